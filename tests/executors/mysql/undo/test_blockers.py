"""A statement that waits for other sessions on MySQL and MariaDB is tried again; they are named."""

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.executors.events import Event, Retried, Undoing
from lockgate.planner.errors import StatementFailed
from tests.executors.building import (
    Recorder,
    apply_plan,
    apply_up,
    failure_of,
    open_test_engine,
    plan_for,
)
from tests.executors.rows import ask, execute

HASTY = {"timeouts": {"lock": "1s"}, "retries": {"lock": 1}}
WAITING = "create table u (id int primary key);\nalter table t add column note text;"


@pytest.fixture
def reader(family_server: Any, family_database: str) -> Iterator[Any]:
    """A session with an open transaction that has read the table t."""
    execute(family_server, family_database, "create table t (id int primary key)")
    with family_server.connect(family_database) as connection:
        connection.query("begin")
        connection.query("select * from t")
        yield connection


def test_a_plan_that_lost_only_to_a_lock_is_undone_and_tried_again(
    family_server: Any, family_database: str, reader: Any
) -> None:
    told = Recorder()

    def emit(event: Event) -> None:
        told(event)
        if isinstance(event, Retried):
            assert ask(family_server, family_database, "show tables like 'u'") == []
            reader.query("rollback")

    with open_test_engine(family_server, family_database, **HASTY) as engine:
        assert apply_up(engine, {"001_wait": WAITING}, emit=emit).outcome == "applied"
        assert engine.store.runs.read_runs(1)[0].status == "COMMITTED"
    (retried,) = told.of(Retried)
    assert "001_wait.sql:3: Lock wait timeout" in retried.message
    assert [event.statements for event in told.of(Undoing)] == [1]


def test_who_blocks_is_named_with_what_ends_it(
    family_server: Any, family_database: str, reader: Any
) -> None:
    lasting = {**HASTY, "retries": {"lock": 0}}
    with open_test_engine(family_server, family_database, **lasting) as engine:
        plan = plan_for(engine, {"001_wait": WAITING})
        with pytest.raises(StatementFailed) as caught:
            apply_plan(engine, plan)
        assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"
        error = failure_of(caught.value).error
        assert f"pid {reader.thread_id()}" in error.detail
        assert error.hint == f"To end what blocks: KILL {reader.thread_id()};"
        reader.query("rollback")
        assert apply_plan(engine, plan).outcome == "applied"
