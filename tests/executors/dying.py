"""Processes, connections and servers that die while a migration runs on MySQL or MariaDB.

It must hold no test: those of faults share it.
"""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.commands.running import DEADLINE, Project, Result
from tests.executors.building import begin_ledger, new_identity, open_test_engine
from tests.executors.rows import ask, execute
from tests.proxy import Direction

PATIENT = "timeouts: {lock: 60s}\npolicy: {non_atomic: allow}\n"
KEPT_ROW = "insert into t values (1);\n"
MADE, INSERT = "create table made (id int)", b"\x03insert into t values"


def dying_project(server: Any, database: str, folder: Path) -> Project:
    """A project with a ledger and the tables t and held in its database, which waits long for a
    table."""
    begin_ledger(server, database)
    execute(server, database, "create table t (id int)", "create table held (id int)")
    return Project(folder, server.url(database), settings=PATIENT)


def rows(server: Any, database: str) -> list[int]:
    return [number for (number,) in ask(server, database, "select id from t")]


def end(process: "subprocess.Popen[str]") -> Result:
    """How a process ended by itself."""
    try:
        out, err = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    return Result(process.returncode, out, err)


def kill_9(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate(timeout=DEADLINE)


def wait_until_waiting(process: "subprocess.Popen[str]") -> None:
    """Returns when a process has said that it waits for the migration lock."""
    assert process.stderr is not None
    assert "lock" in process.stderr.readline()


def gate(database: str) -> str:
    """A statement that waits for as long as the gate is closed."""
    return f"do get_lock('gate_{database}', 100)"


@contextlib.contextmanager
def closed_gate(server: Any, database: str) -> Iterator[None]:
    connection = server.connect(None)
    connection.query(gate(database))
    try:
        yield
    finally:
        connection.close()


def when_sent(text: bytes, *, reply: bool = False) -> Callable[[Direction, bytes], bool]:
    """A cut before the client's message with this text, or before its answer, or the next one."""
    seen: list[bool] = []

    def cut(direction: Direction, data: bytes) -> bool:
        if direction == "client" and text in data:
            seen.append(True)
            return not reply
        return reply and bool(seen)

    return cut


class Died(Exception):
    """An executor's end in the middle."""


def make_one_table(server: Any, database: str) -> bool:
    """Whether an executor makes the ledger that dies when it has made one table of it."""
    with open_test_engine(server, database) as engine:
        execute_all = engine.session.execute

        def execute_one(sql: str, parameters: Any = ()) -> int:
            changed = int(execute_all(sql, parameters))
            if sql.startswith("create table"):
                raise Died
            return changed

        engine.session.execute = execute_one
        try:
            engine.store.ensure_tables(new_identity(engine))
        except Died:
            return False
        return True
