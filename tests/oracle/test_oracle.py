"""What a plan says of PostgreSQL's statements is what a live PostgreSQL does, form by form."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.planner.database.facts import Facts
from tests.oracle.campaign import OVERSAID, Bench, open_bench
from tests.oracle.grammar import FORMS, Form, read_rules
from tests.oracle.judgement import Judgement
from tests.oracle.saying import say

SEEDS, FORMS_OF_EACH = 3, 520


@pytest.fixture(scope="module")
def bench(postgres_server: Any) -> Iterator[Bench]:
    with open_bench(postgres_server) as opened:
        yield opened


def test_what_is_measured_is_said(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    seeds = [random.SystemRandom().randrange(10**9) for _ in range(SEEDS)]
    tally = bench.run(seeds, FORMS_OF_EACH)
    with capsys.disabled():
        print(f"\n{tally.table()}")  # noqa: T201
    assert len(tally.verdicts) >= 1500
    assert tally.faults() == []


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
    assert wrong in [*Judgement(said, measured, bench.desk.relations).wrong()]


def test_more_than_is_done_is_found_out(bench: Bench) -> None:
    said = say("alter table users alter name type int using 1", bench.facts)
    measured = bench.desk.measure("alter table users alter name drop default")
    over = [*Judgement(said, measured, bench.desk.relations).over()]
    assert "rewrite of users" in over


def test_a_form_leaves_nothing_behind(bench: Bench) -> None:
    before = bench.desk.connection.execute("select count(*) from users").fetchone()
    assert bench.judge(Form("truncate users cascade", "")).wrong == ()
    assert bench.desk.connection.execute("select count(*) from users").fetchone() == before


def test_each_reason_for_saying_more_is_of_a_form_that_there_is() -> None:
    shapes = [one for rule in read_rules(FORMS.read_text()).values() for one in rule]
    assert [part for part in OVERSAID if not any(part in shape for shape in shapes)] == []
