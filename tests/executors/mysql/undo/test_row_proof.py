"""Rows that were put back are held against their copy, byte by byte; and those of tables whose
definition was undone against what they were."""

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.undo import row_proof
from lockgate.executors.mysql.undo.intents import Copy
from lockgate.executors.mysql.undo.row_proof import UNRETURNED, refuse_unlike_copy
from lockgate.executors.resolve import undo
from lockgate.planner.errors import StatementFailed, Unresolved
from tests.executors.building import apply_plan, by_hand, open_test_engine, plan_for
from tests.executors.mysql.undo.test_foreign_changes import on_first_statement
from tests.executors.rows import ask, execute

TABLE = "create table {} (id int primary key, a varchar(9), f float, b varbinary(9), p point)"
ROWS = "insert into {} values (1, 'a', 0.1, x'00ff', null), (2, null, null, null, point(1, 2))"


@pytest.mark.parametrize(
    "changed",
    ["a = 'A'", "a = 'a '", "a = null", "f = 0.2", "b = x'00'", "b = null"],
)
def test_another_value_is_found(family_server: Any, family_database: str, changed: str) -> None:
    with open_test_engine(family_server, family_database) as engine:
        hand, session = by_hand(engine), engine.session
        for name in ("kept", "copied"):
            hand.execute(TABLE.format(name))
            hand.execute(ROWS.format(name))
        rows = Copy(name="copied", table="kept")
        values = Copy(name="copied", table="kept", key=("id",), columns=("a", "f", "b"))
        points = Copy(name="copied", table="kept", key=("id",), columns=("p",))
        for copy in (rows, values, points):
            refuse_unlike_copy(session, "copied", copy, UNRETURNED)
        hand.execute(f"update kept set {changed} where id = 1")
        for copy in (rows, values):
            with pytest.raises(ServerError, match="not those that were copied"):
                refuse_unlike_copy(session, "copied", copy, UNRETURNED)
        hand.execute("delete from kept where id = 2")
        with pytest.raises(ServerError):
            refuse_unlike_copy(session, "copied", rows, UNRETURNED)


FAILING = {"001_a": "alter table t modify v bigint;\ncreate table fails (a int, a int)"}
FORGE = (
    'update lockgate_journal set image = regexp_replace(image, \'"before":"[0-9]+"\', '
    '\'"before":"1"\')'
)


@pytest.fixture
def engine(
    family_server: Any, family_database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """An engine on a database with a table `t`; others are watched for a moment alone."""
    monkeypatch.setattr(row_proof, "WATCHED", 0.2)
    made = ("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, null)")
    execute(family_server, family_database, *made)
    with open_test_engine(family_server, family_database) as opened:
        yield opened


def test_rows_that_nobody_else_has_written_are_as_before(engine: Any) -> None:
    with pytest.raises(StatementFailed) as failed:
        apply_plan(engine, plan_for(engine, FAILING))
    assert "the database is as it was before" in failed.value.why


def test_rows_that_others_have_written_are_no_failure_of_ours(
    family_server: Any, family_database: str, engine: Any
) -> None:
    def write() -> None:
        execute(family_server, family_database, "insert into t values (3, 3)")

    with pytest.raises(StatementFailed) as failed:
        apply_plan(engine, plan_for(engine, FAILING), emit=on_first_statement(write))
    assert "as it was before" not in failed.value.why
    assert "The rows of t are not those from before: other sessions have" in failed.value.why
    assert len(ask(family_server, family_database, "select * from t")) == 3
    assert [run.status for run in engine.store.runs.read_runs(1)] == ["ROLLED_BACK"]


def test_rows_that_are_lost_in_undoing_need_a_person(
    family_server: Any, family_database: str, engine: Any
) -> None:
    def forge() -> None:
        execute(family_server, family_database, FORGE)

    with pytest.raises(Unresolved, match="- rows of table t: changed") as failed:
        apply_plan(engine, plan_for(engine, FAILING), emit=on_first_statement(forge))
    assert "Undoing has lost rows" in failed.value.why
    assert [run.status for run in engine.store.runs.read_runs(1)] == ["STUCK"]
    again = pytest.raises(Unresolved, match="- rows of table t: changed")
    with engine.lock.hold(10, print), again:
        undo(engine, engine.store.read_ledger(), "", print)


def test_rows_of_a_large_table_are_not_compared(family_server: Any, family_database: str) -> None:
    made = ("create table t (id int primary key, v int)", "insert into t values (1, 1)")
    execute(family_server, family_database, *made)
    with open_test_engine(family_server, family_database, copies={"limit": "1kB"}) as engine:
        plan = plan_for(engine, FAILING, copy_limit=1000.0)
        assert [line for line in plan.warnings if "The rows of t are not compared" in line]

        def forge() -> None:
            execute(family_server, family_database, FORGE)

        with pytest.raises(StatementFailed):
            apply_plan(engine, plan, emit=on_first_statement(forge))


@pytest.mark.parametrize(("altered", "times"), [("varchar(20)", 0), ("varchar(5)", 2)])
def test_rows_are_read_only_where_they_may_be_written(
    family_server: Any, family_database: str, engine: Any, altered: str, times: int
) -> None:
    execute(family_server, family_database, "create table w (id int primary key, v varchar(9))")
    counted = "show global status like 'Com_checksum'"
    (before,) = ask(family_server, family_database, counted)
    apply_plan(engine, plan_for(engine, {"001_a": f"alter table w modify v {altered}"}))
    (after,) = ask(family_server, family_database, counted)
    assert int(after[1]) - int(before[1]) == times
