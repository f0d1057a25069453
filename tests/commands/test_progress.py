"""A run is told as it goes, and it stops at the first failure."""

import re
from typing import Any

import pytest

from lockgate.executors.events import LockAwaited, LockHolder, RunStarted, UnitCommitted
from lockgate.views.run import progress
from tests.commands.blocking import held_table, prepare_blocked, table_names, wait_until_blocked
from tests.commands.running import OWN_TABLES, Project, refused, succeed
from tests.planner.literals import read, up_plan

SLOW = "select pg_sleep(0.3);"


def test_a_step_is_told_before_the_next_one_has_ended(
    any_project: Project, any_server: Any
) -> None:
    prepare_blocked(any_server, any_project)
    with held_table(any_server, any_project.database, "held"):
        process = any_project.start("up")
        assert process.stderr is not None
        assert re.match(r"\+ 1/2 001 early  \d+ ms\n", process.stderr.readline())
        wait_until_blocked(any_server, any_project.database)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "Applied 2 migrations (001 to 002).\n"), err
    assert "+ 2/2 002 held  " in err


def test_who_blocks_a_statement_is_told(project: Project, postgres_server: Any) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held") as holder:
        process = project.start("up")
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        assert "Waiting for a lock since" in lines[1], lines
        assert f"postgres from 127.0.0.1, pid {holder.info.backend_pid}" in lines[1]
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_long_statement_is_named_with_what_the_server_tells_of_it(
    project: Project, postgres_server: Any
) -> None:
    """It works until a sequence is asked for a number, which every snapshot sees."""
    waiting = (
        "while pg_sequence_last_value('public.go') is null loop perform pg_sleep(0.05); end loop"
    )
    project.write(
        "001_t.sql",
        "create sequence go; create table t (id int); insert into t select generate_series(1, 9);\n"
        "create function waits(int) returns int immutable language plpgsql as\n"
        f"$$ begin {waiting}; return $1; end $$;",
    )
    succeed(project.migrate("up"))
    project.write("002_slow.sql", "create index slow on t (waits(id));")
    process = project.start("up")
    assert process.stderr is not None
    told = process.stderr.readline()
    assert "002 slow: create index slow, on public.t, building index: " in told
    assert re.search(r" blocks, for \d+\.\d s\n", told), told
    with postgres_server.connect(project.database) as other:
        other.execute("select nextval('go')")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_a_long_run_of_several_steps_ends_with_its_whole_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LONG", 0.0)
    plan = up_plan([read("-- migrate:up\nselect 1;", name) for name in ("001_a.sql", "002_b.sql")])
    with progress.showing(verbose=False) as emit:
        for event in (RunStarted(plan, 0), UnitCommitted(1, 1), UnitCommitted(2, 2)):
            emit(event)
    assert re.fullmatch(r"\d+ ms in all\n", capsys.readouterr().err)


def test_a_long_statement_of_mysql_is_named_with_its_state(family_project: Project) -> None:
    family_project.write(
        "001_slow.sql", "create table t (id int); insert into t values (sleep(2));"
    )
    told = succeed(family_project.migrate("up")).err
    assert re.search(r"001 slow: insert into t, [Uu]ser sleep, for [12]\.\d s\n", told), told


def test_a_wait_for_the_migration_lock_is_told_once(project: Project, postgres_server: Any) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        first = project.start("up")
        wait_until_blocked(postgres_server, project.database)
        second = project.start("up")
        assert second.stderr is not None
        waiting = second.stderr.readline()
        assert "Waiting for the migration lock, held by postgres from 127.0.0.1" in waiting
    first.communicate(timeout=60)
    out, err = second.communicate(timeout=60)
    assert (out, err) == ("Nothing to do: the database is up to date.\n", "")


def test_the_end_of_a_run_that_was_waited_for_is_not_told(capsys: Any) -> None:
    holder = LockHolder(7, "migrator", "10.0.0.1", "")
    with progress.showing(verbose=False) as emit:
        for one in (holder, None, holder, None):
            emit(LockAwaited(one, 0.1))
    told = capsys.readouterr().err
    assert told.count("Waiting for the migration lock, held by migrator") == 1
    assert "just ended" not in told
    with progress.showing(verbose=False) as emit:
        emit(LockAwaited(None, 0.1))
        emit(LockAwaited(None, 0.2))
    assert capsys.readouterr().err.count("held by a run that just ended") == 1


def test_the_time_of_a_statement_is_its_own(project: Project) -> None:
    project.write("001_slow.sql", SLOW)
    project.write("002_fast.sql", "select 1;")
    events = project.migrate("up", "--json").events
    slow, fast = [event for event in events if event["event"] == "statement_finished"]
    assert slow["seconds"] >= 0.29
    assert fast["seconds"] < slow["seconds"]
    steps = [event["seconds"] for event in events if event["event"] == "step_finished"]
    assert steps[0] >= slow["seconds"]


def test_a_run_stops_at_the_first_failure(any_project: Project, any_server: Any) -> None:
    any_project.write_tables(1)
    any_project.write("002_bad.sql", "create table t1 (id int);")
    any_project.write("003_later.sql", "create table later (id int);")
    result = refused(any_project.migrate("up"), 9, "002_bad.sql:2")
    assert "003" not in result.err
    assert table_names(any_server, any_project.database) == OWN_TABLES
