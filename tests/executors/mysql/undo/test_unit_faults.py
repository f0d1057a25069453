"""Crashes in units of MySQL and MariaDB that are undone as a whole; then we look.

Each fault is a real one: a signal, a cut connection, KILL on the server, kill -9 of it.
"""

import signal
from pathlib import Path
from typing import Any

import pytest

from lockgate.planner.errors import StatementFailed
from tests.commands.blocking import held_table, wait_until_blocked
from tests.commands.running import Project, refused, succeed
from tests.executors.building import apply_plan, open_test_engine, plan_for
from tests.executors.dying import (
    INSERT,
    KEPT_ROW,
    MADE,
    closed_gate,
    dying_project,
    end,
    gate,
    kill_9,
    rows,
    wait_until_waiting,
    when_sent,
)
from tests.executors.rows import ask, execute, sessions, wait_until_gone, wait_until_running
from tests.proxy import Proxy


@pytest.fixture
def project(family_server: Any, family_database: str, tmp_path: Path) -> Project:
    """A project on each of the two servers in turn, with the tables t and held in its database."""
    return dying_project(family_server, family_database, tmp_path)


@pytest.mark.parametrize("sleeper", ["do sleep(100)", "insert into t select sleep(100)"])
def test_a_process_that_dies_in_a_query_leaves_nothing(
    family_server: Any, family_database: str, project: Project, sleeper: str
) -> None:
    path = project.write("001_slow.sql", KEPT_ROW + sleeper)
    process = project.start("up")
    wait_until_running(family_server, family_database, sleeper)
    kill_9(process)
    path.write_text(f"-- migrate:up\n{KEPT_ROW}")
    project.configure("lock: {wait: 0s}\n")
    refused(project.migrate("up"), 5, "holds it")
    pid = wait_until_running(family_server, family_database, sleeper)
    assert f"pid {pid}" in project.migrate("lock").all
    execute(family_server, None, f"kill {pid}")
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == []
    succeed(project.migrate("status"))
    succeed(project.migrate("up"))
    assert rows(family_server, family_database) == [1]


def test_the_plan_of_a_process_that_died_in_ddl_undoes_it_and_is_applied(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_wait.sql", f"{MADE};\nalter table held add column n int;\n{KEPT_ROW}")
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        kill_9(process)
    refused(project.migrate("status"), 7, "stopped half-way")
    assert "Undoing" in succeed(project.migrate("apply", "plan.json")).err
    succeed(project.migrate("status"))
    assert rows(family_server, family_database) == [1]
    assert ask(family_server, family_database, "select * from lockgate_journal") == []


def test_ddl_that_outlives_its_process_is_waited_for_and_undone(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_wait.sql", "alter table held add column n int;\ninsert into gone select 1;")
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        first = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        kill_9(first)
        second = project.start("apply", "plan.json")
        wait_until_waiting(second)
    refused(end(second), 9, "Undoing", "gone' doesn't exist")
    assert ask(family_server, family_database, "show columns from held like 'n'") == []
    succeed(project.migrate("status"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_statement_on_the_server_and_undoes_it(
    family_server: Any, family_database: str, project: Project, number: int, code: int
) -> None:
    project.write("001_slow.sql", KEPT_ROW + "do sleep(100)")
    process = project.start("up")
    wait_until_running(family_server, family_database, "do sleep(100)")
    process.send_signal(number)
    refused(end(process), code, "Interrupted")
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == []
    with open_test_engine(family_server, family_database) as engine:
        assert engine.lock.holder() is None
        assert not engine.store.read_ledger().unresolved
        assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_undoes_every_step_and_its_ddl(
    family_server: Any, family_database: str, project: Project, number: int, code: int
) -> None:
    project.write("001_made.sql", f"{MADE};\n")
    project.write("002_slow.sql", f"{KEPT_ROW}do sleep(100);")
    process = project.start("up")
    wait_until_running(family_server, family_database, "do sleep(100)")
    process.send_signal(number)
    refused(end(process), code, "Undoing", "Everything that this run had done was undone")
    wait_until_gone(family_server, family_database)
    assert rows(family_server, family_database) == []
    assert ask(family_server, family_database, "show tables like 'made'") == []
    with open_test_engine(family_server, family_database) as engine:
        assert not engine.store.read_ledger().unresolved
        assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"


def test_a_signal_in_ddl_that_waits_undoes_it(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_wait.sql", f"{MADE};\nalter table held add column n int;")
    with held_table(family_server, family_database, "held"):
        process = project.start("up")
        wait_until_blocked(family_server, family_database)
        process.send_signal(signal.SIGTERM)
        refused(end(process), 143, "Everything that this run had done was undone")
    assert ask(family_server, family_database, "show tables like 'made'") == []
    assert ask(family_server, family_database, "show columns from held like 'n'") == []


UNIT_CUTS = {
    "before the unit's intent": (b"`lockgate_journal` (run_id", False),
    "before an intent": (b"verb", False),
    "after an intent": (b"verb", True),
    "before ddl": (b"\x03create table made", False),
    "after ddl": (b"\x03create table made", True),
    "before the outcome": (b"outcome = 'done'", False),
    "after the outcome": (b"outcome = 'done'", True),
    "before a row": (INSERT, False),
    "after a row": (INSERT, True),
    "before the history": (b"schema_migrations` (version", False),
    "before the commit": (b"serial = serial + ", True),
}
"""The message at which it is cut, and whether at its reply."""


@pytest.mark.parametrize("cut", UNIT_CUTS)
def test_a_lost_connection_undoes_the_plan(
    family_server: Any, family_database: str, project: Project, cut: str
) -> None:
    text, reply = UNIT_CUTS[cut]
    with (
        Proxy(family_server.host, family_server.port, family_server.engine) as proxy,
        open_test_engine(family_server, family_database, port=proxy.port) as engine,
    ):
        plan = plan_for(engine, {"001_cut": f"{MADE};\n{KEPT_ROW}"})
        fired = proxy.cut_when(when_sent(text, reply=reply))
        with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
            apply_plan(engine, plan)
        assert fired.is_set()
        assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"
    assert rows(family_server, family_database) == []
    assert ask(family_server, family_database, "show tables like 'made'") == []
    with open_test_engine(family_server, family_database) as engine:
        assert not engine.store.read_ledger().unresolved
        apply_plan(engine, plan)
    assert rows(family_server, family_database) == [1]


@pytest.mark.parametrize("reply", [False, True])
def test_a_connection_lost_between_two_statements_undoes_the_plan(
    family_server: Any, family_database: str, project: Project, reply: bool
) -> None:
    """The end of the one is written with the intent of the other: both are there, or neither."""
    with (
        Proxy(family_server.host, family_server.port, family_server.engine) as proxy,
        open_test_engine(family_server, family_database, port=proxy.port) as engine,
    ):
        plan = plan_for(engine, {"001_cut": f"{MADE};\nalter table made add column n int;"})
        fired = proxy.cut_when(when_sent(b"as written on duplicate key", reply=reply))
        with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
            apply_plan(engine, plan)
        assert fired.is_set()
        assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"
        assert ask(family_server, family_database, "show tables like 'made'") == []
        apply_plan(engine, plan)
    assert len(ask(family_server, family_database, "show columns from made")) > 1


def test_the_end_of_a_statement_is_noted_before_anything_that_may_take_long(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", f"{MADE};\ncreate table made_too (a int);\ndo sleep(100);")
    process = project.start("up")
    sleeping = wait_until_running(family_server, family_database, "do sleep(100)")
    noted = "select outcome from lockgate_journal where statement > 0 order by statement"
    assert ask(family_server, family_database, noted) == [("done",), ("done",)]
    execute(family_server, None, f"kill {sleeping}")
    refused(end(process), 9, "All that this plan had done was undone")
    assert ask(family_server, family_database, "show tables like 'made%'") == []


def test_a_guard_that_is_killed_in_a_unit_undoes_nothing_and_the_next_run_does(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", f"{MADE};\n{gate(family_database)};\n{KEPT_ROW}")
    succeed(project.migrate("plan"))
    with closed_gate(family_server, family_database):
        process = project.start("apply", "plan.json")
        work = wait_until_running(family_server, family_database, "do get_lock(")
        guard = min(sessions(family_server, family_database) - {work})  # others come later
        execute(family_server, None, f"kill {guard}")
    result = end(process)
    assert result.code in (7, 9), result
    assert (result.code == 9) == (
        not ask(family_server, family_database, "show tables like 'made'")
    )
    succeed(project.migrate("apply", "plan.json"))
    assert rows(family_server, family_database) == [1]
    succeed(project.migrate("status"))


def test_a_connection_that_is_killed_from_outside_is_undone(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_made.sql", f"{MADE};\ndo sleep(100);")
    process = project.start("up")
    execute(
        family_server,
        None,
        f"kill {wait_until_running(family_server, family_database, 'do sleep(100)')}",
    )
    refused(end(process), 9, "001_made.sql:3:", "All that this plan had done was undone")
    assert ask(family_server, family_database, "show tables like 'made'") == []
    succeed(project.migrate("status"))


def test_a_unit_that_ends_by_killing_its_session_is_in_doubt(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_own.sql", f"{MADE};\nkill connection connection_id();")
    succeed(project.migrate("plan"))
    refused(project.migrate("apply", "plan.json"), 7, "point of no return", "It is not known")
    refused(project.migrate("apply", "plan.json"), 7, "statement 2 was begun")
    assert ask(family_server, family_database, "show tables like 'made'") == [("made",)]


def test_a_server_that_dies_in_ddl_and_comes_back_undoes_the_plan(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_wait.sql", f"{MADE};\nalter table held add column n int;\n{KEPT_ROW}")
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        family_server.kill_9()
        family_server.restart()
        refused(end(process), 9, "All that this plan had done was undone")
    assert ask(family_server, family_database, "show tables like 'made'") == []
    succeed(project.migrate("status"))
    succeed(project.migrate("apply", "plan.json"))
    assert rows(family_server, family_database) == [1]


def test_a_server_and_a_process_that_die_in_ddl_are_mended_by_the_same_plan(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_wait.sql", f"{MADE};\nalter table held add column n int;\n{KEPT_ROW}")
    succeed(project.migrate("plan"))
    with held_table(family_server, family_database, "held"):
        process = project.start("apply", "plan.json")
        wait_until_blocked(family_server, family_database)
        family_server.kill_9()
        kill_9(process)
        family_server.restart()
    refused(project.migrate("status"), 7, "stopped half-way")
    assert "Undoing" in succeed(project.migrate("apply", "plan.json")).err
    assert rows(family_server, family_database) == [1]
    succeed(project.migrate("status"))


def test_a_server_that_dies_in_a_query_leaves_nothing(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_slow.sql", KEPT_ROW + gate(family_database))
    succeed(project.migrate("plan"))
    with closed_gate(family_server, family_database):
        process = project.start("apply", "plan.json")
        wait_until_running(family_server, family_database, "do get_lock(")
        family_server.kill_9()
        family_server.restart()
        refused(end(process), 9, "All that this plan had done was undone")
    assert rows(family_server, family_database) == []
    succeed(project.migrate("status"))
    succeed(project.migrate("apply", "plan.json"))
    assert rows(family_server, family_database) == [1]
