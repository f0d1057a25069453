"""What a statement leaves that is broken off outside of a transaction is what its plan says."""

import random
from typing import Any

import pytest

from lockgate.planner.database.facts import Facts
from tests.oracle.campaign import SCHEMA, break_off
from tests.oracle.failures import Breaker, open_copies
from tests.oracle.judgement import misjudged
from tests.oracle.saying import Said, say

FORMS = 25


def test_what_is_left_is_said(postgres_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.SystemRandom().randrange(10**9)
    endings = break_off(postgres_server, seed, FORMS)
    with capsys.disabled():
        print(f"\nseed {seed}\n{endings.table()}")  # noqa: T201
    assert endings.faults == []
    assert endings.failed


def test_a_plan_that_promises_too_much_is_found_out(postgres_server: Any) -> None:
    sql = "do $$ begin create table new_1 (); commit; lock table users; end $$"
    with open_copies(postgres_server, SCHEMA) as copies:
        failure = Breaker(postgres_server, seed=1).break_off(copies.renew(), sql)
    assert failure.left
    said = say(sql, Facts())
    assert [*misjudged(said, failure)] == []
    assert said.statement
    assert said.statement.reading
    promising = said.statement.reading.model_copy(update={"fails_whole": True})
    told = said.statement.model_copy(update={"reading": promising})
    assert [*misjudged(Said(told), failure)] != []
