"""Indexes built CONCURRENTLY: an invalid one is never taken for a good one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lockgate.executors.postgresql.units.concurrent_index import find_build, happened
from lockgate.planner.building.readings import read_statement
from lockgate.planner.errors import Interrupted, LockgateError, StatementFailed, Unresolved
from lockgate.planner.plan.statement import Concurrent
from lockgate.planner.sql.dialect import POSTGRESQL
from tests.commands.running import Project, succeed
from tests.executors.building import (
    OUTSIDE,
    Recorder,
    apply_plan,
    apply_up,
    by_hand,
    open_test_engine,
    plan_for,
)
from tests.executors.watching import await_gone, sessions
from tests.servers.postgres import PostgresServer
from tests.servers.process import wait_until

Bystander = psycopg.Connection[Any]
ROWS = {"000_rows": 'create schema "S x"; create table "S x"."T" (id int, other int);\n'
        'insert into "S x"."T" values (1, 1), (1, 2);'}  # fmt: skip
JOURNAL = "select step, statement, outcome from lockgate_journal"
VALID = "select indisvalid from pg_index where indexrelid = to_regclass(%s)"


def building(sql: str) -> dict[str, str]:
    return {**ROWS, "001_index": f"{OUTSIDE}\n{sql};"}


def valid(engine: Any, index: str) -> Any:
    return engine.session.query_one(VALID, (index,))


def fail_to_apply(engine: Any, migrations: dict[str, str], found: list[BaseException]) -> None:
    try:
        apply_up(engine, migrations)
    except LockgateError as error:
        found.append(error)


@contextmanager
def old_transaction(server: PostgresServer, database: str) -> Iterator[None]:
    """A transaction that has written to `t`, open for the block: every build waits for it."""
    with server.connect(database) as connection, connection.transaction():
        connection.execute("insert into t values (1)")
        yield


@pytest.mark.parametrize("exists", ["", "if not exists ", "/* hot */ if not exists -- why\n"])
def test_a_build_that_fails_leaves_no_index_and_can_be_applied_again(
    postgres: Any, exists: str
) -> None:
    apply_up(postgres, ROWS)
    sql = f'create unique index concurrently {exists}"I i" on /* its */ only "S x"."T" (id)'
    plan = plan_for(postgres, building(sql))
    for _ in range(2):
        with pytest.raises(StatementFailed, match="could not create unique index"):
            apply_plan(postgres, plan)
        assert valid(postgres, '"S x"."I i"') is None
        assert by_hand(postgres).query_all(JOURNAL) == []
    by_hand(postgres).execute('update "S x"."T" set id = other')
    apply_plan(postgres, plan)
    assert valid(postgres, '"S x"."I i"') == (True,)


def test_an_invalid_index_of_before_is_built_again_not_accepted(postgres: Any) -> None:
    apply_up(postgres, ROWS)
    build = 'create unique index concurrently if not exists i on "S x"."T" (id)'
    with pytest.raises(Exception, match="could not create"):
        by_hand(postgres).execute(build)
    assert valid(postgres, '"S x".i') == (False,)
    by_hand(postgres).execute('update "S x"."T" set id = other')
    apply_up(postgres, building(build))
    assert valid(postgres, '"S x".i') == (True,)


def about_to_build(folder: Path, url: str, settings: str = "") -> Project:
    """A project whose next migration builds the index `i` concurrently."""
    project = Project(folder, url, settings=settings)
    project.write("001_t.sql", "create table t (id int);")
    succeed(project.migrate("up"))
    project.write("002_i.sql", "create index concurrently i on t (id);", flags=" transaction:false")
    return project


def assert_built_again(project: Project, bystander: Bystander) -> None:
    """A build was begun and noted, and the same plan does it again."""
    assert bystander.execute(VALID, ("i",)).fetchone() == (False,)
    assert bystander.execute(JOURNAL).fetchall() == [(1, 1, None)]
    succeed(project.migrate("apply", "plan.json"))
    assert bystander.execute(VALID, ("i",)).fetchone() == (True,)
    assert bystander.execute(JOURNAL).fetchall() == []


def test_a_build_waits_for_old_transactions_longer_than_the_lock_timeout(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, bystander: Bystander
) -> None:
    project = about_to_build(tmp_path, postgres_server.url(postgres_database),
                             settings="timeouts: {lock: 50ms}\nretries: {lock: 0}")  # fmt: skip
    with old_transaction(postgres_server, postgres_database):
        process = project.start("up")
        waiting = "select 1 from pg_stat_activity where query like 'create index%%' and wait_event "
        wait_until(lambda: bystander.execute(f"{waiting} = 'virtualxid'").fetchone(), "a wait")
        bystander.execute("select pg_sleep(0.2)")  # several times the lock timeout
    assert process.wait(60) == 0
    process.communicate()
    assert bystander.execute(VALID, ("i",)).fetchone() == (True,)


def test_a_build_whose_process_was_killed_is_done_again(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, bystander: Bystander
) -> None:
    project = about_to_build(tmp_path, postgres_server.url(postgres_database))
    succeed(project.migrate("plan"))
    with old_transaction(postgres_server, postgres_database):
        process = project.start("apply", "plan.json")
        wait_until(lambda: bystander.execute(VALID, ("i",)).fetchone(), "the index is begun")
        process.kill()
        process.communicate()
        for pid, *_ in sessions(bystander):
            bystander.execute("select pg_terminate_backend(%s)", (pid,))
    await_gone(bystander)
    assert_built_again(project, bystander)


def test_a_build_that_a_signal_interrupts_is_half_done_and_is_built_again(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, bystander: Bystander
) -> None:
    project = about_to_build(tmp_path, postgres_server.url(postgres_database))
    succeed(project.migrate("plan"))
    with old_transaction(postgres_server, postgres_database):
        process = project.start("apply", "plan.json")
        wait_until(lambda: bystander.execute(VALID, ("i",)).fetchone(), "the index is begun")
        process.terminate()
        assert process.wait(60) == 7
    assert "half done. Apply the same plan again" in " ".join(process.communicate()[1].split())
    assert_built_again(project, bystander)


def test_a_signal_after_a_build_does_not_say_that_nothing_is_kept(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def interrupted() -> Iterator[None]:
        yield
        raise Interrupted(15)

    apply_up(postgres, ROWS)
    plan = plan_for(postgres, building('create index concurrently i on "S x"."T" (id)'))
    with monkeypatch.context() as late:
        late.setattr(postgres.session, "patient", interrupted)
        with pytest.raises(Unresolved, match="Interrupted after 0 of 1"):
            apply_plan(postgres, plan)
    apply_plan(postgres, plan)
    assert valid(postgres, '"S x".i') == (True,)
    assert by_hand(postgres).query_all(JOURNAL) == []


def concurrent(sql: str) -> Concurrent | None:
    return read_statement(sql, POSTGRESQL).concurrent


def test_what_was_begun_and_has_happened_is_not_done_again(postgres: Any) -> None:
    apply_up(postgres, ROWS)
    drop = concurrent('drop index concurrently "S x".i')
    build = concurrent('create index concurrently i on "S x"."T" (id)')
    assert (happened(build, postgres.session), happened(drop, postgres.session)) == (False, True)
    by_hand(postgres).execute('create index concurrently i on "S x"."T" (id)')
    assert (happened(build, postgres.session), happened(drop, postgres.session)) == (True, False)
    assert happened(concurrent("vacuum"), postgres.session) is None


@pytest.mark.parametrize(
    "sql",
    [
        "create index i on t (id)",
        "create index concurrently on t (id)",
        "drop index concurrently i",
        "reindex index concurrently i",
        "create table concurrently (id int)",
    ],
)
def test_only_a_named_concurrent_build_is_one(postgres: Any, sql: str) -> None:
    assert find_build(concurrent(sql), postgres.session) is None


def test_what_was_begun_is_looked_for_with_the_settings_of_its_section(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, bystander: Bystander
) -> None:
    project = Project(tmp_path, postgres_server.url(postgres_database))
    project.write("001_t.sql", "create schema app; create table app.t (id int);"
                  "create index idx on app.t (id);")  # fmt: skip
    succeed(project.migrate("up"))
    project.write("002_i.sql", "set search_path to app;\ndrop index concurrently idx;",
                  flags=" transaction:false")  # fmt: skip
    succeed(project.migrate("plan", "--allow-non-atomic"))
    with postgres_server.connect(postgres_database) as reader, reader.transaction():
        reader.execute("select from app.t")
        process = project.start("apply", "plan.json", "--allow-non-atomic")
        wait_until(lambda: bystander.execute(JOURNAL).fetchall()[1:], "the drop is begun")
        process.kill()
        process.communicate()
        for pid, *_ in sessions(bystander):
            bystander.execute("select pg_terminate_backend(%s)", (pid,))
        await_gone(bystander)
    assert bystander.execute(f"{JOURNAL} order by 2").fetchall() == [(1, 1, "done"), (1, 2, None)]
    assert bystander.execute("select to_regclass('app.idx')").fetchone() == ("app.idx",)
    succeed(project.migrate("apply", "plan.json"))
    assert bystander.execute("select to_regclass('app.idx')").fetchone() == (None,)


def test_a_name_that_the_server_cuts_off_is_found(postgres: Any) -> None:
    apply_up(postgres, ROWS)
    build = f'create unique index concurrently if not exists {"i" * 70} on "S x"."T" (id)'
    plan = plan_for(postgres, building(build))
    with pytest.raises(StatementFailed, match="could not create unique index"):
        apply_plan(postgres, plan)
    assert valid(postgres, f'"S x".{"i" * 63}') is None
    by_hand(postgres).execute('update "S x"."T" set id = other')
    apply_plan(postgres, plan)
    assert valid(postgres, f'"S x".{"i" * 63}') == (True,)


def test_a_failed_build_waits_to_clean_up_and_tells_its_own_error(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    sql = 'create unique index concurrently i on "S x"."T" (id)'
    limits = {"timeouts": {"lock": "50ms"}, "retries": {"lock": 0}}
    with (
        open_test_engine(postgres_server, postgres_database, **limits) as engine,
        postgres_server.connect(postgres_database) as reader,
    ):
        apply_up(engine, ROWS)
        reader.execute("begin")
        reader.execute('select from "S x"."T"')
        found: list[BaseException] = []
        thread = threading.Thread(target=fail_to_apply, args=(engine, building(sql), found))
        thread.start()
        try:
            dropping = "select 1 from pg_stat_activity where query like 'drop index conc%%' "
            wait_until(
                lambda: bystander.execute(f"{dropping} and wait_event_type = 'Lock'").fetchone(),
                "the clean-up waits",
            )
            bystander.execute("select pg_sleep(0.2)")  # several times the lock timeout
        finally:
            reader.execute("commit")
            thread.join()
        assert "could not create unique index" in str(found[0])
        assert isinstance(found[0], StatementFailed)
        assert valid(engine, '"S x".i') is None
        assert by_hand(engine).query_one("show lock_timeout") == ("50ms",)


@pytest.mark.parametrize("name", ["", "j"])
def test_an_invalid_index_of_others_is_no_doubt_of_ours(postgres: Any, name: str) -> None:
    apply_up(postgres, ROWS)
    with pytest.raises(Exception, match="could not create"):
        by_hand(postgres).execute('create unique index concurrently i on "S x"."T" (id)')
    with pytest.raises(StatementFailed):
        apply_up(postgres, building(f"create index concurrently {name} on nowhere (id)"))
    assert by_hand(postgres).query_all(JOURNAL) == []


def test_an_invalid_index_without_a_name_of_ours_is_in_doubt(postgres: Any) -> None:
    apply_up(postgres, ROWS)
    left = r'There is the invalid index "S x"\."T_id_idx" \(`drop index concurrently "S x"'
    with pytest.raises(Unresolved, match=left) as caught:
        apply_up(postgres, building('create unique index concurrently on "S x"."T" (id)'))
    assert "Look whether it happened" in caught.value.do


FAILS = "create or replace function f(int) returns int language plpgsql immutable as %s"


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("what", ["index concurrently i", "schema concurrently s"])
def test_what_a_failed_rebuild_leaves_is_named_and_without_it_the_plan_goes_on(
    postgres: Any, bystander: Bystander, what: str, killed: bool
) -> None:
    bystander.execute("create schema s; set search_path = s; create table t (id int)")
    bystander.execute(FAILS % "'begin return $1; end'")
    bystander.execute("insert into t values (1); create index i on t (f(id))")
    bystander.execute(FAILS % "'begin return $1 / 0; end'")
    plan = plan_for(postgres, {"001_x": f"{OUTSIDE}\nset search_path = s;\nreindex {what};"})
    name = r"invalid index s\.i_ccnew \(`drop index concurrently s\.i_ccnew` removes it\)"
    with pytest.raises(Unresolved, match=name) as caught:
        apply_plan(postgres, plan)
    assert "apply the same plan again" in caught.value.do
    assert bystander.execute("select error ~ 'i_ccnew' from public.lockgate_runs").fetchone() == (
        True,
    )
    if killed:
        bystander.execute("update public.lockgate_runs set error = '', status = 'APPLYING'")
    bystander.execute(FAILS % "'begin return $1; end'")
    with pytest.raises(Unresolved, match="was begun") as caught:
        apply_plan(postgres, plan)
    assert "s.i_ccnew" in caught.value.why
    bystander.execute("drop index concurrently i_ccnew")
    apply_plan(postgres, plan)
    assert bystander.execute("select count(*) from pg_index where not indisvalid").fetchone() == (
        0,
    )


def test_an_index_that_another_session_is_building_is_no_leftover(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, bystander: Bystander
) -> None:
    project = Project(tmp_path, postgres_server.url(postgres_database),
                      settings="timeouts: {lock: 50ms}\nretries: {lock: 0}")  # fmt: skip
    project.write("001_t.sql", "create table t (id int);")
    succeed(project.migrate("up"))
    project.write("002_i.sql", "create index concurrently if not exists i on t (id);",
                  flags=" transaction:false")  # fmt: skip
    building = "create index concurrently i on t (id)"
    with postgres_server.connect(postgres_database) as other:
        thread = threading.Thread(target=other.execute, args=(building,))
        with old_transaction(postgres_server, postgres_database):
            thread.start()
            wait_until(lambda: bystander.execute(VALID, ("i",)).fetchone(), "the index is begun")
            oid = bystander.execute("select 'i'::regclass::oid").fetchone()
            process = project.start("up")
            waits = "select from pg_stat_activity where query ~ '^(lock|drop)' and wait_event_type "
            wait_until(lambda: bystander.execute(f"{waits} = 'Lock'").fetchone() == (), "a wait")
        thread.join()
    assert process.wait(60) == 0
    process.communicate()
    assert bystander.execute("select 'i'::regclass::oid").fetchone() == oid
    assert bystander.execute(VALID, ("i",)).fetchone() == (True,)


def test_settings_of_statements_that_are_done_are_set_again_when_a_step_goes_on(
    postgres: Any,
) -> None:
    sql = "set search_path = nowhere, public;\nselect 1 / (select count(*) from later)::int;"
    sql += "\ncreate table made as select current_setting('search_path') as path;"
    plan = plan_for(postgres, {"001_set": f"{OUTSIDE}\n{sql}"})
    with pytest.raises(Exception, match="half done"):
        apply_plan(postgres, plan)
    by_hand(postgres).execute("create table later as select 1")
    apply_plan(postgres, plan, emit=Recorder())
    assert by_hand(postgres).query_all("select path from made") == [("nowhere, public",)]


def test_an_index_of_a_partitioned_table_is_no_leftover_of_a_build(
    postgres: Any, bystander: Any
) -> None:
    bystander.execute("create table ev (at date) partition by range (at)")
    bystander.execute("create index ev_at on only ev (at)")
    sql = f"{OUTSIDE}\ncreate index concurrently if not exists ev_at on ev (at);"
    with pytest.raises(StatementFailed, match="partitioned table"):
        apply_up(postgres, {"001_x": sql})
    assert bystander.execute("select to_regclass('ev_at') is not null").fetchone() == (True,)
    assert postgres.store.read_ledger().unresolved == ()
