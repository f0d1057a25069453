"""Crashes on MySQL and MariaDB: the process, the connection or the server dies; then we look.

Each fault is a real one: a signal, a cut connection, KILL on the server.
"""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.errors import StatementFailed, Unresolved
from tests.commands.blocking import held_table, wait_until_blocked
from tests.commands.running import DEADLINE, Project, Result, refused, succeed
from tests.executors.building import apply_plan, open_test_engine, plan_for
from tests.executors.rows import ask, execute, wait_until_gone, wait_until_running
from tests.proxy import Direction, Proxy

PATIENT = "timeouts: {lock: 60s}\n"
KEPT_ROW = "insert into t values (1);\n"


@pytest.fixture
def project(family_server: Any, family_database: str, tmp_path: Path) -> Project:
    """A project on each of the two servers in turn, with the tables t and held in its database."""
    execute(family_server, family_database, "create table t (id int)", "create table held (id int)")
    return Project(tmp_path, family_server.url(family_database), settings=PATIENT)


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


@pytest.mark.parametrize("sleeper", ["do sleep(100)", "insert into t select sleep(100)"])
def test_a_process_that_dies_in_a_query_leaves_nothing(
    family_server: Any, family_database: str, project: Project, sleeper: str
) -> None:
    path = project.write("001_slow.sql", KEPT_ROW + sleeper)
    process = project.start("up")
    wait_until_running(family_server, family_database, "sleep(100)")
    kill_9(process)
    path.write_text(f"-- migrate:up\n{KEPT_ROW}")
    project.configure("lock: {wait: 0s}\n")
    refused(project.migrate("up"), 5, "holds it")
    pid = wait_until_running(family_server, family_database, "sleep(100)")
    assert f"pid {pid}" in project.migrate("lock").all
    execute(family_server, None, f"kill {pid}")
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == []
    succeed(project.migrate("status"))
    succeed(project.migrate("up"))
    assert rows(family_server, family_database) == [1]


def test_a_process_that_dies_in_ddl_leaves_an_unknown_statement(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_wait.sql", KEPT_ROW + "alter table held add column n int;")
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        kill_9(process)
    wait_until_gone(family_server, family_database)
    refused(project.migrate("status"), 7, "stopped half-way")
    refused(project.migrate("up"), 7, "stopped half-way")
    refused(project.migrate("apply", "plan.json"), 7, "statement 2 was begun")
    assert rows(family_server, family_database) == [1]


def test_a_process_that_dies_after_ddl_goes_on_behind_it(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_go.sql", f"{MADE};\n{KEPT_ROW}{gate(family_database)}")
    succeed(project.migrate("plan"))
    with closed_gate(family_server, family_database):
        process = project.start("apply", "plan.json")
        wait_until_running(family_server, family_database, "do get_lock(")
        kill_9(process)
    refused(project.migrate("status"), 7, "stopped half-way")
    succeed(project.migrate("apply", "plan.json"))
    succeed(project.migrate("status"))
    assert rows(family_server, family_database) == [1]
    assert ask(family_server, family_database, "select * from lockgate_journal") == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_statement_on_the_server_and_undoes_it(
    family_server: Any, family_database: str, project: Project, number: int, code: int
) -> None:
    project.write("001_slow.sql", KEPT_ROW + "do sleep(100)")
    process = project.start("up")
    wait_until_running(family_server, family_database, "sleep(100)")
    process.send_signal(number)
    refused(end(process), code, "Interrupted")
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == []
    with open_test_engine(family_server, family_database) as engine:
        assert engine.lock_holder() is None
        assert not engine.read_ledger().unresolved
        assert engine.read_runs(1)[0].status == "ROLLED_BACK"


def test_a_signal_after_ddl_is_unresolved(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", f"create table made (id int);\n{KEPT_ROW}do sleep(100);")
    process = project.start("up")
    wait_until_running(family_server, family_database, "sleep(100)")
    process.send_signal(signal.SIGTERM)
    refused(end(process), 7, "Interrupted after 0 of 1 steps", "half done")
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == []
    assert ask(
        family_server, family_database, "select statement, outcome from lockgate_journal"
    ) == [(1, "done")]


def test_a_signal_between_steps_tells_what_is_kept(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_first.sql", KEPT_ROW)
    project.write("002_slow.sql", "do sleep(100)")
    process = project.start("up")
    wait_until_running(family_server, family_database, "sleep(100)")
    process.send_signal(signal.SIGINT)
    refused(end(process), 7, "Interrupted after 1 of 2 steps")
    wait_until_gone(family_server, family_database)
    succeed(project.migrate("status"))
    assert rows(family_server, family_database) == [1]


MADE, INSERT = "create table made (id int)", b"\x03insert into t values"
CUTS = {
    "before a query": (KEPT_ROW, INSERT, False, StatementFailed, []),
    "in a query": (KEPT_ROW, INSERT, True, StatementFailed, []),
    "before ddl": (f"{KEPT_ROW}{MADE}", b"\x03create table made", False, StatementFailed, []),
    "after ddl": (f"{KEPT_ROW}{MADE}", b"\x03create table made", True, Unresolved, [1]),
    "before the outcome": (f"{MADE};\n{KEPT_ROW}", b"outcome = 'done'", False, Unresolved, []),
    "before the history": (KEPT_ROW, b"schema_migrations` (version", False, StatementFailed, []),
    "before the commit": (KEPT_ROW, b"serial = serial + 1", True, StatementFailed, []),
}
"""The SQL, the message at which it is cut, whether at its reply, the error, the rows left."""


@pytest.mark.parametrize("cut", CUTS)
def test_a_lost_connection_tells_what_is_kept(
    family_server: Any, family_database: str, project: Project, cut: str
) -> None:
    sql, text, reply, expected, left = CUTS[cut]
    with (
        Proxy(family_server.host, family_server.port, family_server.engine) as proxy,
        open_test_engine(family_server, family_database, port=proxy.port) as engine,
    ):
        plan = plan_for(engine, {"001_cut": sql})
        fired = proxy.cut_when(when_sent(text, reply=reply))
        with pytest.raises(expected):
            apply_plan(engine, plan)
        assert fired.is_set()
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == left
    with open_test_engine(family_server, family_database) as engine:
        assert bool(engine.read_ledger().unresolved) == (expected is Unresolved)
        if expected is StatementFailed:
            apply_plan(engine, plan)
            assert rows(family_server, family_database) == [1]
        else:
            with pytest.raises(Unresolved, match="was begun"):
                apply_plan(engine, plan)
            assert rows(family_server, family_database) == left


@pytest.mark.parametrize("reply", [False, True])
def test_a_commit_without_an_answer_is_unresolved_and_the_next_run_looks(
    family_server: Any, family_database: str, project: Project, reply: bool
) -> None:
    with (
        Proxy(family_server.host, family_server.port, family_server.engine) as proxy,
        open_test_engine(family_server, family_database, port=proxy.port) as engine,
    ):
        plan = plan_for(engine, {"001_cut": KEPT_ROW})
        committed = when_sent(b"\x03commit", reply=reply)
        armed: list[bool] = []

        def cut(direction: Direction, data: bytes) -> bool:
            armed.extend([True] if b"schema_migrations` (version" in data else [])
            return bool(armed) and committed(direction, data)

        proxy.cut_when(cut)
        with pytest.raises(Unresolved, match="commit was sent"):
            apply_plan(engine, plan)
    wait_until_gone(family_server, family_database)
    with open_test_engine(family_server, family_database) as engine:
        outcome = apply_plan(engine, plan).outcome
    assert outcome == ("already applied" if reply else "applied")
    assert rows(family_server, family_database) == [1]


def test_a_connection_that_is_killed_from_outside_is_told_of(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", "create table made (id int);\ndo sleep(100);")
    process = project.start("up")
    execute(
        family_server,
        None,
        f"kill {wait_until_running(family_server, family_database, 'sleep(100)')}",
    )
    result = refused(end(process), 7, "001_made.sql:3:", "done and kept: 1; not done: 2")
    assert "Migration 001 is half done" in result.err
    wait_until_gone(family_server, family_database)


@pytest.mark.parametrize("kept", [True, False])
def test_a_migration_that_kills_its_own_session_is_told_of(
    family_server: Any, family_database: str, project: Project, kept: bool
) -> None:
    first = "create table made (id int);\n" if kept else KEPT_ROW
    project.write("001_own.sql", f"{first}kill connection connection_id();\n{KEPT_ROW}")
    result = project.migrate("up")
    assert result.code == (7 if kept else 9), result
    assert rows(family_server, family_database) == []


def test_a_server_that_dies_in_ddl_is_told_of_by_the_next_run(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_wait.sql", KEPT_ROW + "alter table held add column n int;")
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        family_server.kill_9()
        try:
            refused(end(process), 7, "cannot be seen")
        finally:
            family_server.restart()
    refused(project.migrate("apply", "plan.json"), 7, "statement 2 was begun")
    assert rows(family_server, family_database) == [1]


def test_a_server_that_dies_in_a_query_leaves_nothing(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_slow.sql", KEPT_ROW + gate(family_database))
    succeed(project.migrate("plan"))
    with closed_gate(family_server, family_database):
        process = project.start("apply", "plan.json")
        wait_until_running(family_server, family_database, "do get_lock(")
        family_server.kill_9()
        try:
            refused(end(process), 7, "cannot be seen")
        finally:
            family_server.restart()
    assert rows(family_server, family_database) == []
    succeed(project.migrate("status"))
    succeed(project.migrate("apply", "plan.json"))
    assert rows(family_server, family_database) == [1]


def test_eight_processes_at_once_apply_once(
    family_server: Any, family_database: str, project: Project
) -> None:
    names = project.write_tables(3)
    project.write("009_row.sql", KEPT_ROW)
    processes = [project.start("up") for _ in range(8)]
    results = [end(process) for process in processes]
    assert [result.code for result in results] == [0] * 8, results
    assert rows(family_server, family_database) == [1]
    history = ask(family_server, family_database, "select version from schema_migrations")
    assert len(history) == len(names) + 1
    assert len(ask(family_server, family_database, "select id from lockgate_runs")) == 1


def test_a_journal_that_a_migration_drops_is_unresolved(
    family_server: Any, family_database: str, project: Project
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, {"001_drop": f"{KEPT_ROW}drop table lockgate_journal"})
        with pytest.raises((Unresolved, StatementFailed)) as raised:
            apply_plan(engine, plan)
        assert isinstance(raised.value, Unresolved)
