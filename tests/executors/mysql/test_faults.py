"""Crashes on MySQL and MariaDB where each statement is kept at once; then we look.

Each fault is a real one: a signal, a cut connection, KILL on the server, kill -9 of it.
"""

import signal
from pathlib import Path
from typing import Any

import pytest

from lockgate.planner.errors import StatementFailed, Unresolved
from tests.commands.blocking import held_table, wait_until_blocked
from tests.commands.running import Project, refused, succeed
from tests.executors.building import OUTSIDE, apply_plan, open_test_engine, plan_for
from tests.executors.dying import (
    INSERT,
    KEPT_ROW,
    MADE,
    PATIENT,
    closed_gate,
    dying_project,
    end,
    gate,
    kill_9,
    rows,
    when_sent,
)
from tests.executors.rows import ask, execute, wait_until_gone, wait_until_running
from tests.proxy import Proxy

KEPT_ONE_BY_ONE = " transaction:false"


@pytest.fixture
def project(family_server: Any, family_database: str, tmp_path: Path) -> Project:
    """A project on each of the two servers in turn, with the tables t and held in its database."""
    return dying_project(family_server, family_database, tmp_path)


def test_a_process_that_dies_in_a_call_leaves_an_unknown_statement(
    family_server: Any, family_database: str, project: Project
) -> None:
    procedure = "create procedure p() alter table held add column n int"
    execute(family_server, family_database, procedure)
    project.write("001_wait.sql", f"{KEPT_ROW}call p();", flags=KEPT_ONE_BY_ONE)
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


def test_the_plan_of_a_process_that_died_in_ddl_that_is_kept_goes_on(
    family_server: Any, family_database: str, project: Project
) -> None:
    sql = f"{KEPT_ROW}alter table held add column n int;"
    project.write("001_wait.sql", sql, flags=KEPT_ONE_BY_ONE)
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        kill_9(process)
    wait_until_gone(family_server, family_database)
    refused(project.migrate("status"), 7, "stopped half-way")
    succeed(project.migrate("apply", "plan.json"))
    assert rows(family_server, family_database) == [1]
    assert len(ask(family_server, family_database, "show columns from held like 'n'")) == 1


def test_a_process_that_dies_after_ddl_goes_on_behind_it(
    family_server: Any, family_database: str, project: Project
) -> None:
    sql = f"{MADE};\n{KEPT_ROW}{gate(family_database)}"
    project.write("001_go.sql", sql, flags=KEPT_ONE_BY_ONE)
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


def test_a_signal_after_ddl_that_is_kept_is_unresolved(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", f"{MADE};\n{KEPT_ROW}do sleep(100);", flags=KEPT_ONE_BY_ONE)
    process = project.start("up")
    wait_until_running(family_server, family_database, "do sleep(100)")
    process.send_signal(signal.SIGTERM)
    refused(end(process), 7, "Interrupted after 0 of 1 steps", "half done")
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == []
    assert ask(
        family_server, family_database, "select statement, outcome from lockgate_journal"
    ) == [(1, "done")]


def test_a_signal_between_steps_that_are_kept_tells_of_them(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.configure(f"{PATIENT}transaction: step\n")
    project.write("001_first.sql", KEPT_ROW)
    project.write("002_slow.sql", "do sleep(100)")
    process = project.start("up")
    wait_until_running(family_server, family_database, "do sleep(100)")
    process.send_signal(signal.SIGINT)
    refused(end(process), 7, "Interrupted after 1 of 2 steps")
    wait_until_gone(family_server, family_database)
    succeed(project.migrate("status"))
    assert rows(family_server, family_database) == [1]


CUTS = {
    "before a query": (KEPT_ROW, INSERT, False, StatementFailed, []),
    "in a query": (KEPT_ROW, INSERT, True, StatementFailed, []),
    "before ddl": (f"{KEPT_ROW}{MADE}", b"\x03create table made", False, StatementFailed, []),
    "after ddl": (f"{KEPT_ROW}{MADE}", b"\x03create table made", True, Unresolved, [1]),
    "before the outcome": (f"{MADE};\n{KEPT_ROW}", b"outcome = 'done'", False, Unresolved, []),
    "before the history": (KEPT_ROW, b"schema_migrations` (version", False, StatementFailed, []),
    "before the commit": (KEPT_ROW, b"serial = serial + ", True, StatementFailed, []),
}
"""The SQL, the message at which it is cut, whether at its reply, the error, the rows left."""


@pytest.mark.parametrize("cut", CUTS)
def test_a_lost_connection_tells_what_of_statements_kept_one_by_one_is_kept(
    family_server: Any, family_database: str, project: Project, cut: str
) -> None:
    sql, text, reply, expected, left = CUTS[cut]
    with (
        Proxy(family_server.host, family_server.port, family_server.engine) as proxy,
        open_test_engine(family_server, family_database, port=proxy.port) as engine,
    ):
        plan = plan_for(engine, {"001_cut": f"{OUTSIDE}\n{sql}"})
        fired = proxy.cut_when(when_sent(text, reply=reply))
        with pytest.raises(expected):
            apply_plan(engine, plan)
        assert fired.is_set()
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == left
    with open_test_engine(family_server, family_database) as engine:
        assert bool(engine.store.read_ledger().unresolved) == (expected is Unresolved)
        apply_plan(engine, plan)
        assert not engine.store.read_ledger().unresolved
    assert rows(family_server, family_database) == [1]


def test_a_connection_that_is_killed_from_outside_is_told_of(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", f"{MADE};\ndo sleep(100);", flags=KEPT_ONE_BY_ONE)
    process = project.start("up")
    execute(
        family_server,
        None,
        f"kill {wait_until_running(family_server, family_database, 'do sleep(100)')}",
    )
    result = refused(end(process), 7, "001_made.sql:3:", "done and kept: 1; not done: 2")
    assert "Migration 001 is half done" in result.err
    wait_until_gone(family_server, family_database)


@pytest.mark.parametrize("kept", [True, False])
def test_a_migration_that_kills_its_own_session_is_told_of(
    family_server: Any, family_database: str, project: Project, kept: bool
) -> None:
    first = f"{MADE};\n" if kept else KEPT_ROW
    sql = f"{first}kill connection connection_id();\n{KEPT_ROW}"
    project.write("001_own.sql", sql, flags=KEPT_ONE_BY_ONE)
    result = project.migrate("up")
    assert result.code == (7 if kept else 9), result
    assert rows(family_server, family_database) == []


def test_a_server_that_dies_in_ddl_that_is_kept_is_looked_at_by_the_next_run(
    family_server: Any, family_database: str, project: Project
) -> None:
    sql = f"{KEPT_ROW}alter table held add column n int;"
    project.write("001_wait.sql", sql, flags=KEPT_ONE_BY_ONE)
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        family_server.kill_9()
        try:
            refused(end(process), 7, "cannot be seen")
        finally:
            family_server.restart()
    succeed(project.migrate("apply", "plan.json"))
    assert rows(family_server, family_database) == [1]


def test_eight_processes_at_once_apply_once(
    family_server: Any, family_database: str, tmp_path: Path
) -> None:
    """They find neither a ledger nor a table: each would make them."""
    project = Project(tmp_path, family_server.url(family_database), settings=PATIENT)
    names = project.write_tables(3)
    project.write("009_row.sql", f"create table t (id int);\n{KEPT_ROW}")
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
