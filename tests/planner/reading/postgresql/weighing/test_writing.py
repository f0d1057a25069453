"""What a write of rows does to the tables of views, and to those that refer to the rows."""

from dataclasses import replace

import pytest

from lockgate.planner.database.facts import ConstraintFacts, Facts, FiredFacts, Layout, TableFacts
from lockgate.planner.reading.postgresql.reader import read
from lockgate.planner.reading.postgresql.weighing.weigh import weigh


def relation(kind: str = "table", **layout: object) -> TableFacts:
    return TableFacts("heap", 10, 8192, {}, layout=Layout(kind, **layout))  # type: ignore[arg-type]


VIEWS = Facts({
    "t": relation(views={"v": ("a",), "either": (), "summed": ()}),
    "u": relation(views={"either": ()}),
    "v": relation("view", views={"over": ("a",)}),
    "over": relation("view"),
    "either": relation("view"),
    "summed": relation("materialized view", views={"of_sums": ()}),
    "of_sums": relation("view"),
})  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("delete from t", ["every row of t"]),
        ("delete from v", ["every row of v", "rows of t (through the view v)"]),
        ("delete from over where a", ["rows of over", "rows of t (through the view over)"]),
        ("delete from either where a", ["rows of either", "rows of t (perhaps, through the view "
         "either)", "rows of u (perhaps, through the view either)"]),
        ("delete from of_sums", ["every row of of_sums"]),
        ("update v set a = 1", []),
        ("insert into v values (1)", []),
    ],
)  # fmt: skip
def test_rows_of_a_view_are_lost_by_its_table(sql: str, loses: list[str]) -> None:
    assert [*weigh(read(sql), VIEWS).loses] == loses


@pytest.mark.parametrize("sql", ["update over set a = 1", "delete from over"])
def test_what_is_written_through_a_view_is_its_table(sql: str) -> None:
    assert [one.name for one in weigh(read(sql), VIEWS).written] == ["t"]


@pytest.mark.parametrize(
    ("kind", "events", "written"),
    [("trigger", ("delete",), ["over"]), ("rule", ("delete",), ["over"]),
     ("rule", ("update",), ["t"])],
)  # fmt: skip
def test_what_a_trigger_or_a_rule_does_in_the_place_of_a_view_is_not_read(
    kind: str, events: tuple[str, ...], written: list[str]
) -> None:
    instead = relation("view", views={"over": ()}, fires={"x": FiredFacts(kind, events)})
    found = weigh(read("delete from over"), replace(VIEWS, tables={**VIEWS.tables, "v": instead}))
    assert [one.name for one in found.written] == written
    assert found.fires == ((f"the {kind} x of v",) if "delete" in events else ())


def test_what_refers_to_the_table_of_a_view_follows_its_rows() -> None:
    key = ConstraintFacts("foreign", ("x",), parent="t", parent_columns=("a",),
                          cascades=("delete",))  # fmt: skip
    referred = replace(VIEWS, tables={
        **VIEWS.tables, "t": relation(views={"v": ("a",)}, referrers=("kid",)),
        "kid": relation(constraints={"k": key})})  # fmt: skip
    assert (
        "rows of kid (ON DELETE CASCADE of kid.x)" in weigh(read("delete from v"), referred).loses
    )
