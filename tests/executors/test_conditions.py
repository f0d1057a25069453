"""Statements that run only where something is there, or is not, on each engine."""

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.executors.events import StatementSkipped
from lockgate.planner.errors import StatementFailed
from tests.executors.building import (
    OUTSIDE,
    UP,
    Recorder,
    apply_plan,
    by_hand,
    open_test_engine,
    plan_for,
)

USERS = (
    "create table users (id int primary key, old int, gone int, constraint even check (id % 2 = 0))"
)
FIRST = {"001_users": f"{USERS}; insert into users (id, old) values (2, 7)"}
SECTION = """
-- migrate:if not exists column users.age
alter table users add age int;
-- migrate:if not exists index users.users_old
create index users_old on users (old);
-- migrate:if exists constraint users.even
alter table users drop constraint even;
-- migrate:if exists column users.old
alter table users drop old;
-- migrate:if exists column users.gone
alter table users drop gone;
"""
CHANGED = (
    "alter table users add age int",
    "create index users_old on users (old)",
    "alter table users drop constraint even",
    "alter table users drop gone",
)
PLACES = {"absent": [], "there": [1, 2, 3, 5]}


@pytest.fixture
def engine(any_server: Any, any_database: str) -> Iterator[Any]:
    """A session on a database with the table users, one row and a check."""
    with open_test_engine(any_server, any_database) as opened:
        apply_plan(opened, plan_for(opened, FIRST))
        yield opened


def columns(engine: Any) -> list[str]:
    found = by_hand(engine).query_all(
        "select column_name from information_schema.columns where table_name = 'users' "
        "and table_schema in (%s, 'public') order by 1",
        (engine.server.database,),
    )
    return [name for (name,) in found]


def prepare(engine: Any, state: str) -> None:
    for sql in CHANGED if state == "there" else ():
        by_hand(engine).execute(sql)


@pytest.mark.parametrize("state", PLACES)
@pytest.mark.parametrize("marker", [UP, OUTSIDE])
def test_what_is_there_already_is_left_out(engine: Any, marker: str, state: str) -> None:
    prepare(engine, state)
    plan = plan_for(engine, {**FIRST, "002_change": f"{marker}{SECTION}"}, copy_limit=64e6)
    assert marker == OUTSIDE or plan.verdict.startswith("ATOMIC")
    emit = Recorder()
    apply_plan(engine, plan, emit=emit)
    assert [event.place for event in emit.of(StatementSkipped)] == PLACES[state]
    assert columns(engine) == ["age", "id"]


@pytest.mark.parametrize("state", PLACES)
def test_a_plan_with_conditions_is_undone(engine: Any, state: str) -> None:
    prepare(engine, state)
    before = engine.survey.read_catalogue()
    failing = f"{SECTION}insert into users (id) values (4); insert into users (id) values (4);"
    plan = plan_for(engine, {**FIRST, "002_change": failing}, copy_limit=64e6)
    assert plan.verdict.startswith("ATOMIC")
    with pytest.raises(StatementFailed):
        apply_plan(engine, plan)
    assert engine.survey.read_catalogue() == before
    assert by_hand(engine).query_all("select id, old from users") == [(2, 7)]


def test_rows_of_a_column_that_was_there_are_not_taken_for_new(engine: Any) -> None:
    """The second time the column is there, with a value of its own."""
    by_hand(engine).execute("alter table users add age int")
    by_hand(engine).execute("update users set age = 99")
    section = "-- migrate:if not exists column users.age\nalter table users add age int;\n"
    failing = f"{section}update users set age = 1; alter table users add age int;"
    plan = plan_for(engine, {**FIRST, "002_change": failing}, copy_limit=64e6)
    with pytest.raises(StatementFailed):
        apply_plan(engine, plan)
    assert by_hand(engine).query_all("select id, age from users") == [(2, 99)]
