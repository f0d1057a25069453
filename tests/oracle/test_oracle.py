"""What a plan says of PostgreSQL's statements is what a live PostgreSQL does, form by form."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lockgate.planner.database.facts import Facts
from tests.oracle.campaign import OVERSAID, Bench, open_bench
from tests.oracle.grammar import FORMS, Form, read_rules
from tests.oracle.judgement import Judgement
from tests.oracle.saying import say

FORMS_OF_EACH, PAIRS = 520, 200


@pytest.fixture(scope="module")
def seeds() -> list[int]:
    """Other ones each time; `python -m tests.oracle --seed N` makes the same forms again."""
    return random.SystemRandom().sample(range(10**9), 3)


@pytest.fixture(scope="module")
def bench(postgres_server: Any) -> Iterator[Bench]:
    with open_bench(postgres_server) as opened:
        yield opened


def test_what_is_measured_is_said(
    bench: Bench, seeds: list[int], record_property: Callable[[str, object], None]
) -> None:
    tally = bench.run(seeds, FORMS_OF_EACH)
    record_property("told", f"The oracle, seeds {seeds}\n{tally.table()}")
    assert len(tally.verdicts) >= 1500
    assert tally.faults() == []


def test_a_statement_is_weighed_by_what_those_before_it_leave(
    bench: Bench, seeds: list[int]
) -> None:
    tally = bench.run_pairs(seeds[0], PAIRS)
    assert tally.faults() == []


UNDONE = [
    ("alter table orders drop constraint proved_check",
     "alter table orders alter proved set not null"),
    ("set local timezone = 'Asia/Tokyo'", "alter table users alter made type timestamptz"),
    ("set local timezone = 'Asia/Tokyo'", "lock table only users, logs in share mode"),
    ("create domain short as text check (length(value) < 9)",
     "alter table lonely add column n short"),
    ("alter table orders drop constraint total_check, add check (total > -1)",
     "alter table orders alter total type numeric(14, 2)"),
    ("alter table logs rename to journal", "drop table users cascade"),
    ("alter table animals drop column name", "alter table dogs alter id set not null"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "sql"), UNDONE)
def test_what_a_plan_has_undone_is_not_relied_on(bench: Bench, first: str, sql: str) -> None:
    assert bench.judge(Form(sql, ""), first=[first]).wrong == ()


AE, NONE, SCAN, REWRITE = "ACCESS EXCLUSIVE", "none", "scan", "rewrite"
PROVED = ["alter table lonely add constraint n not null a not valid",
          "alter table lonely validate constraint n"]  # fmt: skip
KNOWN = [
    ([], "alter table logs drop constraint logs_who_fkey",
     {"logs": (AE, NONE), "users": (AE, NONE)}),
    ([], "drop table logs", {"logs": (AE, NONE), "users": (AE, NONE)}),
    ([], "alter table lonely add column n email", {"lonely": (AE, REWRITE)}),
    ([], "alter domain email add constraint c check (value <> '')",
     {"users": ("SHARE", SCAN), "typed_mail": ("SHARE", SCAN)}),
    (PROVED, "alter table lonely alter a set not null", {"lonely": (AE, NONE)}),
    ([], "alter table events attach partition events_25 for values from ('2025-01-01') "
     "to ('2026-01-01')", {"events": ("SHARE UPDATE EXCLUSIVE", NONE), "events_def": (AE, SCAN)}),
    ([], "alter table orders alter note type varchar(20)", {"orders": (AE, SCAN)}),
    ([], "alter table lonely alter d type timestamptz", {"lonely": (AE, NONE)}),
    ([], "refresh materialized view concurrently totals", {"totals": ("EXCLUSIVE", SCAN)}),
    ([], "alter table orders add check (total > 5) not enforced", {"orders": (AE, NONE)}),
    ([], "alter table orders add foreign key (nn) references countries not enforced",
     {"orders": ("SHARE ROW EXCLUSIVE", NONE)}),
    ([], "alter table orders add column n int default 1 references countries",
     {"orders": (AE, SCAN), "countries": ("SHARE ROW EXCLUSIVE", SCAN)}),
    ([], "alter table users set logged", {"users": (AE, NONE)}),
    ([], "alter table users set access method heap", {"users": (AE, NONE)}),
    ([], 'alter table U&"lon\\0065ly" alter a type bigint', {"lonely": (AE, REWRITE)}),
]  # fmt: skip


@pytest.mark.parametrize(("first", "sql", "touches"), KNOWN)
def test_what_people_were_told_wrongly_is_said_as_it_is_measured(
    bench: Bench, first: list[str], sql: str, touches: dict[str, tuple[str, str]]
) -> None:
    verdict = bench.judge(Form(sql, ""), first=first)
    assert (verdict.refused, verdict.wrong, verdict.over) == ("", (), ())
    said = say(sql, bench.facts, first).statement
    assert said is not None
    told = {one.table: (one.lock, one.work) for one in said.touches}
    assert told.items() >= touches.items()


def test_a_check_that_the_plan_makes_and_validates_proves_a_not_null(bench: Bench) -> None:
    recipe = [
        "alter table orders add constraint c check (country is not null) not valid",
        "alter table orders validate constraint c",
    ]
    said = say("alter table orders alter country set not null", bench.facts, recipe)
    assert said.statement is not None
    assert [(one.table, one.work) for one in said.statement.touches] == [("orders", "none")]


@pytest.mark.parametrize(
    "clause",
    [
        "add column n serial not null",
        "add column n int generated always as (1) stored",
        "alter name type int using 1",
    ],
)
def test_foreign_keys_are_looked_up_again_beside_some_rewrites(bench: Bench, clause: str) -> None:
    verdict = bench.judge(Form(f"alter table countries alter id type int, {clause}", ""))
    assert (verdict.refused, verdict.wrong, verdict.over) == ("", (), ())


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("drop table logs", "ACCESS EXCLUSIVE on users"),
        ("alter domain email set not null", "scan of typed_mail"),
        ("drop extension hstore cascade", "loses the column users.attributes"),
        ("reindex index events_kind", "runs in no transaction"),
    ],
)
def test_a_plan_that_knows_no_facts_is_found_out(bench: Bench, sql: str, wrong: str) -> None:
    said, measured = say(sql, Facts()), bench.desk.measure(sql)
    assert wrong in [*Judgement(said, measured).wrong()]


def test_more_than_is_done_is_found_out(bench: Bench) -> None:
    said = say("alter table users alter name type int using 1", bench.facts)
    measured = bench.desk.measure("alter table users alter name drop default")
    over = [*Judgement(said, measured).over()]
    assert "rewrite of users" in over


def test_a_form_leaves_nothing_behind(bench: Bench) -> None:
    before = bench.desk.connection.execute("select count(*) from users").fetchone()
    assert bench.judge(Form("truncate users cascade", "")).wrong == ()
    assert bench.desk.connection.execute("select count(*) from users").fetchone() == before


def test_each_reason_for_saying_more_is_of_a_form_that_there_is() -> None:
    shapes = [one for rule in read_rules(FORMS.read_text()).values() for one in rule]
    parts = [part for reason in OVERSAID for part in reason.split(" | ")]
    assert [part for part in parts if not any(part in shape for shape in shapes)] == []
