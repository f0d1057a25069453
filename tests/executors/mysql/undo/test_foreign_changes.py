"""What others change while a unit runs on MySQL or MariaDB: undoing keeps it, and says so."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lockgate.executors.events import Event, StatementFinished
from lockgate.planner.errors import StatementFailed, Unresolved
from tests.executors.building import apply_plan, open_test_engine, plan_for
from tests.executors.rows import ask, execute

FAILING = "alter table t add column ours int;\ninsert into lockgate_no_such_table values (1)"


@pytest.fixture
def engine(family_server: Any, family_database: str) -> Iterator[Any]:
    """A session on a database that has the table t, whose counter is ahead of its rows."""
    made = "create table t (id int auto_increment primary key, v int) auto_increment = 77"
    execute(family_server, family_database, made)
    with open_test_engine(family_server, family_database) as opened:
        yield opened


def on_first_statement(do: Callable[[], None]) -> Callable[[Event], None]:
    """An `emit` that does something when the first statement is done."""
    waiting = [do]

    def emit(event: Event) -> None:
        if isinstance(event, StatementFinished) and waiting:
            waiting.pop()()

    return emit


def columns(server: Any, database: str) -> list[str]:
    return [row[0] for row in ask(server, database, "show columns from t")]


def test_a_column_that_another_session_has_added_is_not_dropped(
    family_server: Any, family_database: str, engine: Any
) -> None:
    def interfere() -> None:
        execute(
            family_server,
            family_database,
            "alter table t add column theirs int",
            "insert into t (v, theirs) values (1, 42)",
        )

    with pytest.raises(Unresolved, match="'t' was changed by another session"):
        apply_plan(engine, plan_for(engine, {"001_a": FAILING}), emit=on_first_statement(interfere))
    assert columns(family_server, family_database) == ["id", "ours", "theirs", "v"]
    assert ask(family_server, family_database, "select theirs from t") == [(42,)]
    assert [run.status for run in engine.store.runs.read_runs(1)] == ["STUCK"]


def test_a_table_that_we_made_and_others_have_changed_is_not_dropped(
    family_server: Any, family_database: str, engine: Any
) -> None:
    plan = plan_for(engine, {"001_a": FAILING.replace("alter table t add column ours int",
                                                      "create table made (id int)")})  # fmt: skip
    theirs = "alter table made add column theirs int"
    emit = on_first_statement(lambda: execute(family_server, family_database, theirs))
    with pytest.raises(Unresolved, match="'made' was changed by another session"):
        apply_plan(engine, plan, emit=emit)
    assert ask(family_server, family_database, "show tables like 'made'") == [("made",)]


def test_a_counter_that_went_with_its_attribute_comes_back(
    family_server: Any, family_database: str, engine: Any
) -> None:
    lost = FAILING.replace("add column ours int", "modify id int")
    with pytest.raises(StatementFailed):
        apply_plan(engine, plan_for(engine, {"001_a": lost}))
    assert "AUTO_INCREMENT=77" in ask(family_server, family_database, "show create table t")[0][1]
