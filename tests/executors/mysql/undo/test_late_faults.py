"""Faults where a run is finished, behind its commit, and while old graves are cleared, on MySQL and
MariaDB. Each is a real one: a signal, a cut connection, kill -9."""

import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.resolve import finish
from lockgate.planner.errors import Unresolved
from tests.commands.blocking import read_table, wait_until_blocked
from tests.commands.running import DEADLINE, Project, refused, succeed
from tests.executors.building import AUTHOR, Recorder, begin_ledger, open_test_engine
from tests.executors.dying import PATIENT, closed_gate, end, gate, kill_9, rows, when_sent
from tests.executors.rows import ask, execute, sessions, wait_until_gone, wait_until_running
from tests.proxy import Connection, Direction, Proxy
from tests.servers.process import wait_until

REASON = ("--reason", "a test")
KEPT_ONE_BY_ONE = " transaction:false"
SETUP = (
    "create table t (id int)",
    "create table held (id int primary key, n int)",
    "insert into held values (1, 5)",
)
COLUMNS = "show columns from held"


@pytest.fixture
def project(family_server: Any, family_database: str, tmp_path: Path) -> Project:
    begin_ledger(family_server, family_database)
    execute(family_server, family_database, *SETUP)
    url = family_server.url(family_database)
    return Project(tmp_path, url, settings=f"{PATIENT}copies: {{limit: 10MB}}\n")


def die_before(server: Any, project: Project, sql: str, flags: str = "") -> None:
    """Kills the process that applies a plan, and its session, when this statement, which changes
    `held`, has been noted and has not happened."""
    project.write("001_held.sql", f"{sql};\ncreate table later (id int);", flags=flags)
    succeed(project.migrate("plan"))
    with read_table(server, project.database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(server, project.database)
        kill_9(process)
        kill_session(server, project.database, "alter table held")


def kill_session(server: Any, database: str, text: str) -> None:
    """Ends the session that runs a statement with this text."""
    session = wait_until_running(server, database, text)
    execute(server, None, f"kill {session}")
    wait_until(lambda: session not in sessions(server, database), "the session has ended")


def leave_a_grave(server: Any, project: Project) -> tuple[str, str]:
    """Kills a run that has committed, before it removes what it has dropped; where that is."""
    database = project.database
    execute(server, database, "create table old (id int primary key)")
    project.write("001_drop.sql", f"drop table old;\n{gate(database)};")
    with ExitStack() as stack:
        with closed_gate(server, database):
            process = project.start("up")
            wait_until_running(server, database, "do get_lock(")
            ((schema,),) = ask(server, None, f"show databases like '{database}_lockgate%'")
            ((grave,),) = ask(server, schema, "show tables")
            stack.enter_context(read_table(server, schema, grave))
        wait_until_blocked(server, database)
        kill_9(process)
        kill_session(server, database, "drop table")
    return schema, grave


class Swallowed:
    """Keeps the answer to a unit's commit from its client."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self._is_next = False
        self._committing: Connection | None = None

    def __call__(
        self,
        connection: Connection,
        direction: Direction,
        message: bytes,
        forward: Callable[[], None],
    ) -> None:
        if direction == "server" and connection is self._committing:
            self.done.set()
            return
        if self._is_next and message.endswith(b"\x03commit"):
            self._committing = connection
        self._is_next |= b"release savepoint lockgate_trailing" in message
        forward()


def columns(server: Any, database: str) -> list[str]:
    return sorted(row[0] for row in ask(server, database, COLUMNS))


def leftovers(server: Any, database: str) -> list[Any]:
    return [
        *ask(server, None, f"show databases like '{database}_lockgate%'"),
        *ask(server, database, "select step, statement, outcome from lockgate_journal"),
    ]


def test_a_statement_that_did_not_happen_is_copied_for_again_when_its_run_is_finished(
    family_server: Any, family_database: str, project: Project
) -> None:
    die_before(family_server, project, "alter table held drop column n")
    succeed(project.migrate("resolve", "--finish", *REASON))
    assert columns(family_server, family_database) == ["id"]
    assert leftovers(family_server, family_database) == []
    succeed(project.migrate("status"))


@pytest.mark.parametrize("flags", ["", KEPT_ONE_BY_ONE])
def test_the_change_of_another_session_is_not_taken_for_the_statements_own(
    family_server: Any, family_database: str, project: Project, flags: str
) -> None:
    die_before(family_server, project, "alter table held add column m int", flags)
    execute(family_server, family_database, "create index by_n on held (n)")
    again = ("apply", "plan.json") if flags else ("resolve", "--finish", *REASON)
    refused(project.migrate(*again), 7, "001_held.sql:2: statement 1 was begun")
    assert columns(family_server, family_database) == ["id", "n"]


def test_a_connection_lost_while_a_run_is_finished_leaves_it_unresolved(
    family_server: Any, family_database: str, project: Project
) -> None:
    die_before(family_server, project, "alter table held add column m int")
    with (
        Proxy(family_server.host, family_server.port, family_server.engine) as proxy,
        open_test_engine(family_server, family_database, port=proxy.port) as engine,
        engine.lock.hold(DEADLINE, Recorder()),
    ):
        fired = proxy.cut_when(when_sent(b"\x03create table later"))
        with pytest.raises(Unresolved, match=r"could not be finished\. The connection was lost"):
            finish(engine, engine.store.read_ledger(), AUTHOR, "a test", Recorder())
        assert fired.is_set()
    succeed(project.migrate("resolve", "--finish", *REASON))
    assert leftovers(family_server, family_database) == []


def test_a_signal_while_a_run_is_finished_leaves_it_unresolved(
    family_server: Any, family_database: str, project: Project
) -> None:
    die_before(family_server, project, "alter table held add column m int")
    with read_table(family_server, family_database, "held"):
        process = project.start("resolve", "--finish", *REASON)
        wait_until_blocked(family_server, family_database)
        process.send_signal(signal.SIGTERM)
        refused(end(process), 7, "could not be finished. It was interrupted.")
    succeed(project.migrate("resolve", "--finish", *REASON))
    assert columns(family_server, family_database) == ["id", "m", "n"]


def test_a_signal_behind_the_last_commit_comes_too_late(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", "create table made (id int);\ninsert into t values (1);")
    with Proxy(family_server.host, family_server.port, family_server.engine) as proxy:
        project.url = family_server.url(family_database, port=proxy.port)
        answer = Swallowed()
        proxy.interpose(answer)
        process = project.start("up")
        assert answer.done.wait(DEADLINE)
        process.send_signal(signal.SIGTERM)
        assert end(process).code == 0
    assert rows(family_server, family_database) == [1]
    assert leftovers(family_server, family_database) == []


def test_a_signal_while_old_graves_are_cleared_ends_the_run_before_it_begins(
    family_server: Any, family_database: str, project: Project
) -> None:
    schema, grave = leave_a_grave(family_server, project)
    project.write("002_row.sql", "insert into t values (1);")
    with read_table(family_server, schema, grave):
        process = project.start("up")
        wait_until_blocked(family_server, family_database)
        process.send_signal(signal.SIGINT)
        refused(end(process), 130, "Interrupted. Nothing was changed.")
    wait_until_gone(family_server, family_database)
    succeed(project.migrate("up"))
    assert rows(family_server, family_database) == [1]
    assert leftovers(family_server, family_database) == []


def test_a_run_that_is_half_undone_can_only_be_undone(
    family_server: Any, family_database: str, project: Project
) -> None:
    added = "alter table held add column m int"
    project.write("001_held.sql", f"{added};\n{gate(family_database)};\n{added};")
    with ExitStack() as stack:
        with closed_gate(family_server, family_database):
            process = project.start("up")
            wait_until_running(family_server, family_database, "do get_lock(")
            stack.enter_context(read_table(family_server, family_database, "held"))
        wait_until_blocked(family_server, family_database)  # to undo; the third waits for no one
        kill_9(process)
        kill_session(family_server, family_database, "alter table")
    shown = refused(project.migrate("resolve"), 7).out
    assert "    1 undoing   line 2: alter table held" in shown
    assert "--undo" in shown
    assert "--finish" not in shown
    refused(project.migrate("resolve", "--finish", *REASON), 64, "statements is half undone")
    succeed(project.migrate("resolve", "--undo", *REASON))
    assert columns(family_server, family_database) == ["id", "n"]
    assert leftovers(family_server, family_database) == []
