"""Others write while a foreign key is off, or where rows are put back: undoing makes the key again
without asking for parents, so the rows are counted before and after."""

from collections.abc import Sequence
from typing import Any

import pytest

from lockgate.executors.events import Event, StatementFinished
from lockgate.executors.resolve import undo
from lockgate.planner.errors import StatementFailed, Unresolved
from tests.executors.building import apply_plan, plan_for
from tests.executors.mysql.undo.copying import LIMIT, copying_engine
from tests.executors.mysql.undo.test_foreign_changes import on_first_statement
from tests.executors.rows import execute

SETUP = (
    "create table p (id int primary key, v int)",
    "create table c (id int primary key, pid int, foreign key (pid) references p (id))",
    "insert into p values (1, 1), (2, 2)",
    "insert into c values (1, 1), (3, null)",
)
FAILS = "create table fails (a int, a int)"
CASES = {
    "dropped": (["alter table c drop foreign key c_ibfk_1"], "insert into c values (9, 99)"),
    "by another word": (
        ["alter table c drop constraint c_ibfk_1"],
        "update c set pid = 99 where id = 1",
    ),
    "with its column": (
        ["alter table c drop foreign key c_ibfk_1, modify pid bigint"],
        "insert into c values (9, 99)",
    ),
    "of a dropped table": (["drop table c"], "delete from p where id = 1"),
    "of an emptied table": (["truncate table c"], "delete from p where id = 1"),
    "of a parent whose rows are put back": (
        ["update p set v = 5", "alter table p comment 'x'"],
        "insert into p values (5, 5)",
        "insert into c values (9, 5)",
    ),
}


engine = copying_engine(*SETUP)


def fail(engine: Any, statements: Sequence[str], emit: Any) -> None:
    text = ";\n".join([*statements, FAILS])
    apply_plan(engine, plan_for(engine, {"001_a": text}, copy_limit=LIMIT), emit=emit)


@pytest.mark.parametrize("case", CASES)
def test_a_row_without_a_parent_is_named_until_it_is_mended(
    family_server: Any, family_database: str, engine: Any, case: str
) -> None:
    statements, *writes = CASES[case]
    writing = on_first_statement(lambda: execute(family_server, family_database, *writes))
    with pytest.raises(Unresolved, match="by the foreign key c_ibfk_1 of c: 1 without") as failed:
        fail(engine, statements, writing)
    sql = failed.value.what.rpartition("before: ")[2].splitlines()[0]
    with family_server.connect(family_database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        ((row, *_),) = cursor.fetchall()
    execute(family_server, family_database, f"delete from c where id = {row}")
    with engine.lock.hold(10, print):
        undo(engine, engine.store.read_ledger(), "", print)
    assert [run.status for run in engine.store.runs.read_runs(1)] == ["ROLLED_BACK"]


def test_a_renamed_child_is_found_by_its_old_name(
    family_server: Any, family_database: str, engine: Any
) -> None:
    finished = []

    def writing(event: Event) -> None:
        if isinstance(event, StatementFinished):
            finished.append(event)
            if len(finished) == 2:
                execute(family_server, family_database, "delete from p where id = 1")

    with pytest.raises(Unresolved, match="by the foreign key c_ibfk_1 of c: 1 without"):
        fail(engine, ["rename table c to moved", "drop table moved"], writing)


def test_what_had_no_parent_before_is_no_ones_fault(
    family_server: Any, family_database: str, engine: Any
) -> None:
    old = "set foreign_key_checks = 0", "insert into c values (7, 77)"
    execute(family_server, family_database, *old)
    fits = on_first_statement(lambda: execute(*where, "insert into c values (8, 1)"))
    where = family_server, family_database
    with pytest.raises(StatementFailed, match="as it was before"):
        fail(engine, ["alter table c drop foreign key c_ibfk_1"], fits)
