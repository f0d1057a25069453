"""What a write of rows does to the tables of views, and to those that refer to the rows."""

from dataclasses import replace

import pytest

from lockgate.planner.database.facts import (
    ColumnFacts,
    ConstraintFacts,
    Facts,
    FiredFacts,
    Layout,
    TableFacts,
)
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


def foreign(parent: str, on: str, columns: str, *cascades: str, enforced: bool = True) -> Layout:
    """The layout of a table whose key `columns` refers to another one."""
    one = ConstraintFacts("foreign", tuple(columns.split()), parent=parent, enforced=enforced,
                          parent_columns=tuple(on.split()), cascades=cascades)  # fmt: skip
    return Layout("table", constraints={"k": one})


def chain(**layouts: Layout) -> Facts:
    """A table `p` and others, each with what refers to it."""
    found = {"p": Layout("table"), **layouts}
    for name, one in layouts.items():
        parent = one.constraints["k"].parent
        found[parent] = replace(found[parent], referrers=(*found[parent].referrers, name))
    return Facts({name: TableFacts("heap", 10, 8192, {}, layout=one)
                  for name, one in found.items()})  # fmt: skip


FOLLOWING = chain(
    moved=foreign("p", "id", "p_id", "update"),
    emptied=foreign("p", "id", "p_id", "update", "empty on update"),
    other=foreign("p", "code", "p_code", "update"),
    left=foreign("p", "id", "p_id", "update", enforced=False),
    deeper=foreign("moved", "p_id", "moved_id", "update", "empty on update"),
    aside=foreign("moved", "id", "moved_id", "update"),
    beyond=foreign("emptied", "p_id", "x", "update"),
)


def test_what_follows_an_updated_key_is_locked_and_lost_by_its_own_columns() -> None:
    found = weigh(read("update p set id = 1 where id = 2"), FOLLOWING)
    locked = {one.on.name for one in found.holds}
    assert locked == {"p", "moved", "emptied", "deeper", "beyond"}
    assert {*found.loses} == {
        "values of emptied.p_id (ON UPDATE SET NULL or DEFAULT)",
        "values of deeper.moved_id (ON UPDATE SET NULL or DEFAULT)",
        "values of beyond.x (ON UPDATE CASCADE)",
    }
    assert weigh(read("update p set other = 1 where id = 2"), FOLLOWING).loses == ()


def test_rows_that_a_delete_leaves_delete_no_others() -> None:
    facts = chain(
        emptied=foreign("p", "id", "p_id", "delete", "empty"),
        kept=foreign("emptied", "id", "x", "delete"),
        moved=foreign("emptied", "p_id", "x", "update"),
        left=foreign("p", "id", "p_id", "delete", enforced=False),
    )
    assert weigh(read("delete from p where id = 1"), facts).loses == (
        "rows of p", "values of emptied.p_id (ON DELETE SET NULL or DEFAULT)",
        "values of moved.x (ON UPDATE CASCADE)",
    )  # fmt: skip


def test_a_view_that_gives_a_key_another_name_may_set_it() -> None:
    facts = chain(emptied=foreign("p", "id", "p_id", "update", "empty on update"))
    layout = Layout("table", views={"v": ("id",)}, referrers=("emptied",))
    base = replace(facts.tables["p"], columns={"id": ColumnFacts("int", False)}, layout=layout)
    facts = replace(facts, tables={**facts.tables, "p": base, "v": relation("view")})
    for sql in ("update v set k = 1", "update v set id = 1"):
        assert len(weigh(read(sql), facts).loses) == 1


HEIRS = Facts({
    "t": relation(children=("kid",)), "kid": relation(children=("grandkid",), parents=("t",)),
    "grandkid": relation(parents=("kid",)), "parts": relation("partitioned", children=("part",)),
    "part": relation(parents=("parts",)),
})  # fmt: skip
KIN = "of kid (inherits from t)", "of grandkid (inherits from t)"


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("delete from t", ["every row of t", *(f"every row {one}" for one in KIN)]),
        ("delete from t where a", ["rows of t", *(f"rows {one}" for one in KIN)]),
        ("delete from only t", ["every row of t"]),
        ("truncate t", ["every row of t", *(f"every row {one}" for one in KIN)]),
        ("truncate only t", ["every row of t"]),
        ("delete from parts", ["every row of parts"]),
        ("truncate parts", ["every row of parts"]),
        ("update t set a = 1", []),
    ],
)
def test_what_inherits_from_a_table_loses_its_rows_too(sql: str, loses: list[str]) -> None:
    assert [*weigh(read(sql), HEIRS).loses] == loses


@pytest.mark.parametrize(
    ("sql", "locked"),
    [("update t set a = 1", ["t", "kid", "grandkid"]), ("update only t set a = 1", ["t"]),
     ("truncate t", ["t", "kid", "grandkid"]), ("insert into t values (1)", ["t"]),
     ("insert into t values (1) on conflict (a) do update set a = 1", ["t"])],
)  # fmt: skip
def test_what_inherits_from_a_table_is_locked_with_it(sql: str, locked: list[str]) -> None:
    assert [one.on.name for one in weigh(read(sql), HEIRS).holds] == locked


def test_tables_of_one_name_in_two_schemas_are_two_losses() -> None:
    assert weigh(read("truncate a.t, b.t"), Facts()).loses == ("every row of t",) * 2
