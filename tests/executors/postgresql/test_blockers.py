"""PostgreSQL: somebody else's lock in our way: waited for, named, tried again, given up."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from lockgate.executors.events import Blocked, BlockerEnded, Event, Retried, StatementFinished
from lockgate.executors.postgresql.blockers import SESSION, read_session
from lockgate.planner.errors import StatementFailed, Unresolved
from tests.executors.building import OUTSIDE, Recorder, apply_plan, apply_up, failure_of, plan_for
from tests.executors.building import open_test_engine as open_engine
from tests.executors.watching import await_at, count, gate, shut
from tests.servers.postgres import PostgresServer
from tests.servers.process import wait_until

Bystander = psycopg.Connection[Any]
BASE = {"000_t": "create table t (id int);"}
BLOCKED = {**BASE, "001_u": "create table u ();", "002_t": "alter table t add column note text;"}


@pytest.fixture
def prepared(postgres: Any) -> None:
    apply_up(postgres, BASE)


@pytest.fixture
def blocker(
    prepared: None, postgres_server: PostgresServer, postgres_database: str
) -> Iterator[Bystander]:
    """A session that reads the table t in an open transaction."""
    with postgres_server.connect(postgres_database, application_name="reporting") as connection:
        connection.execute("begin")
        connection.execute("select * from t")
        yield connection


@contextmanager
def hasty(
    server: PostgresServer, database: str, retries: int, lock: float = 0.3, **more: Any
) -> Iterator[Any]:
    """An engine that soon gives up a wait for a lock."""
    settings = {"timeouts": {"lock": lock}, "retries": {"lock": retries}, **more}
    with open_engine(server, database, **settings) as engine:
        yield engine


def pid(connection: Bystander) -> int:
    return int(connection.info.backend_pid)


def test_a_blocker_is_named_while_we_wait_and_after_its_end_we_succeed(
    postgres_server: PostgresServer, postgres_database: str, blocker: Bystander
) -> None:
    told = Recorder()

    def emit(event: Event) -> None:
        told(event)
        if isinstance(event, Blocked):
            blocker.execute("commit")

    with open_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, BLOCKED, emit=emit)
    (blocked,) = told.of(Blocked)
    (session,) = blocked.blockers
    assert (session.pid, session.user, session.program) == (pid(blocker), "postgres", "reporting")
    assert told.of(Retried) == []


def test_what_the_server_does_not_show_of_a_session_is_not_made_up(
    blocker: Bystander, bystander: Bystander
) -> None:
    bystander.execute("create role unprivileged")
    bystander.execute("set role unprivileged")
    (row,) = bystander.execute(f"{SESSION} where pid = %s", (pid(blocker),)).fetchall()
    bystander.execute("reset role")
    bystander.execute("drop role unprivileged")
    told = str(read_session(row))
    assert told.startswith(f"postgres, pid {pid(blocker)} (the server does not show")


def test_a_step_that_lost_only_to_the_lock_timeout_is_tried_again(
    postgres_server: PostgresServer, postgres_database: str, blocker: Bystander
) -> None:
    told = Recorder()

    def emit(event: Event) -> None:
        told(event)
        if isinstance(event, Retried) and event.attempt == 2:
            blocker.execute("commit")

    with hasty(postgres_server, postgres_database, retries=5) as engine:
        report = apply_up(engine, BLOCKED, emit=emit)
        assert len(engine.store.read_ledger().entries) == 3
    assert len(report.steps) == 2
    retried = told.of(Retried)
    assert [event.attempt for event in retried] == [1, 2]
    assert all(0 < event.delay <= 1 for event in retried)
    for event in retried:
        assert "002_t.sql:2" in event.message
        assert f"pid {pid(blocker)} (calls itself reporting)" in event.message


def test_when_the_tries_are_used_up_the_error_names_the_blocker(
    postgres_server: PostgresServer,
    postgres_database: str,
    blocker: Bystander,
    bystander: Bystander,
) -> None:
    told = Recorder()
    with hasty(postgres_server, postgres_database, retries=2) as engine:
        plan = plan_for(engine, BLOCKED)
        with pytest.raises(StatementFailed) as caught:
            apply_plan(engine, plan, emit=told)
        error = failure_of(caught.value).error
        assert error.code == "55P03"
        assert (
            f"postgres from 127.0.0.1, pid {pid(blocker)} (calls itself reporting)" in error.detail
        )
        assert len(told.of(Retried)) == 2
        assert engine.lock.holder() is None
        assert bystander.execute("select to_regclass('u')").fetchone() == (None,)
        blocker.execute("commit")
        assert apply_plan(engine, plan).outcome == "applied"


def test_without_retries_the_first_timeout_is_the_last(
    postgres_server: PostgresServer, postgres_database: str, blocker: Bystander
) -> None:
    told = Recorder()
    with (
        hasty(postgres_server, postgres_database, retries=0) as engine,
        pytest.raises(StatementFailed),
    ):
        apply_up(engine, BLOCKED, emit=told)
    assert told.of(Retried) == []


IDLE = "terminate_idle_in_transaction"


@pytest.mark.parametrize(
    ("blockers", "ended"),
    [
        ({IDLE: "1ms"}, ["terminated"]),
        ({IDLE: "10m"}, []),
        ({"cancel": "autovacuum"}, []),
        ({}, []),
    ],
)
def test_a_session_that_is_idle_in_its_transaction_is_ended_where_the_environment_says_so(
    postgres_server: PostgresServer,
    postgres_database: str,
    blocker: Bystander,
    blockers: Any,
    ended: list[str],
) -> None:
    told = Recorder()
    with hasty(postgres_server, postgres_database, retries=0, blockers=blockers) as engine:
        if ended:
            apply_up(engine, BLOCKED, emit=told)
        else:
            with pytest.raises(StatementFailed):
                apply_up(engine, BLOCKED, emit=told)
    assert [one.way for one in told.of(BlockerEnded)] == ended
    assert {one.blocker.pid for one in told.of(BlockerEnded)} <= {pid(blocker)}
    if ended:
        with pytest.raises(psycopg.errors.AdminShutdown):
            blocker.execute("select 1")


SLOW_VACUUM = """
alter table t set (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
insert into t select generate_series(1, 50000);
update t set id = id + 1;
alter system set autovacuum_naptime = 1;
alter system set autovacuum = on;
select pg_reload_conf();
"""
VACUUMED = """
select count(*) from pg_locks l join pg_stat_activity a using (pid)
where l.relation = 't'::regclass and a.backend_type = 'autovacuum worker'
"""


def test_autovacuum_is_canceled_where_the_environment_says_so(
    prepared: None, postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    told = Recorder()
    for sql in filter(str.strip, SLOW_VACUUM.split(";")):
        bystander.execute(sql.encode())
    try:
        wait_until(lambda: count(bystander, VACUUMED) > 0, "autovacuum works on the table")
        # The server itself cancels it after deadlock_timeout, a second.
        settings = {"retries": 0, "lock": 0.9, "blockers": {"cancel": "autovacuum"}}
        with hasty(postgres_server, postgres_database, **settings) as engine:
            apply_up(engine, BLOCKED, emit=told)
    finally:
        bystander.execute("alter system reset autovacuum")
        bystander.execute("alter system reset autovacuum_naptime")
        bystander.execute("select pg_reload_conf()")
    assert "canceled" in [one.way for one in told.of(BlockerEnded)]


def test_a_session_at_work_is_not_ended(
    postgres_server: PostgresServer,
    postgres_database: str,
    blocker: Bystander,
    bystander: Bystander,
) -> None:
    told = Recorder()
    with shut(bystander, 7):
        at_work = threading.Thread(target=lambda: blocker.execute(gate(7)))
        at_work.start()
        await_at(bystander, 7)
        with (
            hasty(postgres_server, postgres_database, retries=0, blockers={IDLE: "1ms"}) as engine,
            pytest.raises(StatementFailed),
        ):
            apply_up(engine, BLOCKED, emit=told)
    at_work.join()
    assert told.of(BlockerEnded) == []
    blocker.execute("commit")


def test_a_session_that_the_role_may_not_end_is_named_once(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    role, told = f"migrator_{postgres_database}", Recorder()
    bystander.execute(f"create role {role} login in role pg_read_all_stats")
    bystander.execute(f"grant create on database {postgres_database} to {role}")
    bystander.execute(f"grant create on schema public to {role}")
    settings = {"user": role, "blockers": {IDLE: "1ms"}}
    with hasty(postgres_server, postgres_database, retries=0, lock=0.9, **settings) as engine:
        apply_up(engine, BASE)
        with postgres_server.connect(postgres_database) as superuser:
            superuser.execute("begin")
            superuser.execute("select * from t")
            with pytest.raises(StatementFailed):
                apply_up(engine, BLOCKED, emit=told)
    (refused,) = told.of(BlockerEnded)
    assert "permission denied" in refused.refusal
    bystander.execute(f"drop owned by {role}")
    bystander.execute(f"drop role {role}")


def test_another_failure_is_not_tried_again(postgres: Any) -> None:
    told = Recorder()
    with pytest.raises(StatementFailed):
        apply_up(postgres, {"001_x": "select 1 / 0;"}, emit=told)
    assert told.of(Retried) == []


def test_a_blocked_copy_names_its_blocker_too(
    postgres_server: PostgresServer, postgres_database: str, blocker: Bystander
) -> None:
    blocker.execute("lock table t in exclusive mode")
    copy = {**BASE, "001_c": "copy t from stdin;\n1\n\\.\n"}
    told = Recorder()
    with (
        hasty(postgres_server, postgres_database, retries=0) as engine,
        pytest.raises(StatementFailed) as caught,
    ):
        apply_up(engine, copy, emit=told)
    assert f"pid {pid(blocker)}" in failure_of(caught.value).error.detail
    assert told.of(Blocked)[0].blockers[0].pid == pid(blocker)


def test_the_lock_timeout_is_in_force_outside_of_a_transaction(
    postgres_server: PostgresServer, postgres_database: str, blocker: Bystander
) -> None:
    outside = {**BASE, "001_t": f"{OUTSIDE}\nset lock_timeout = 0;\nselect 1;",
               "002_t": f"{OUTSIDE}\nalter table t add column note text;"}  # fmt: skip
    with hasty(postgres_server, postgres_database, retries=5) as engine:
        with pytest.raises(Exception, match="lock timeout") as caught:
            apply_up(engine, outside)
        assert [entry.version for entry in engine.store.read_ledger().entries] == ["000", "001"]
    assert f"pid {pid(blocker)}" in failure_of(caught.value).error.detail


def test_a_comment_does_not_switch_the_lock_timeout_off(
    postgres_server: PostgresServer, postgres_database: str, blocker: Bystander
) -> None:
    drop = f"{OUTSIDE}\ndrop table /* CONCURRENTLY cannot be used here */ t;"
    with (
        hasty(postgres_server, postgres_database, retries=0) as engine,
        pytest.raises(Exception, match="lock timeout"),
    ):
        apply_up(engine, {**BASE, "001_t": drop})


def test_a_waiter_for_the_migration_lock_does_not_stop_a_concurrent_build(
    prepared: None, postgres_server: PostgresServer, postgres_database: str
) -> None:
    build = {**BASE, "001_i": f"{OUTSIDE}\ncreate index concurrently i on t (id);"}
    waiting, done = threading.Event(), threading.Event()

    def wait_for_the_lock() -> None:
        with (
            open_engine(postgres_server, postgres_database) as other,
            other.lock.hold(30, lambda event: waiting.set()),
        ):
            done.set()

    with open_engine(postgres_server, postgres_database) as engine:
        thread = threading.Thread(target=wait_for_the_lock)

        def emit(event: Event) -> None:
            if not thread.is_alive():
                thread.start()
                assert waiting.wait(60)

        apply_up(engine, build, emit=emit)
    assert done.wait(60)
    thread.join()


STATES = {
    "nothing": ("create index concurrently i on t (id);", True),
    "a setting": ("set work_mem = '5MB';", True),
    "a temporary table": ("create temp table hidden ();", False),
}


@pytest.mark.parametrize(("first", "again"), STATES.values(), ids=STATES)
def test_outside_of_a_transaction_the_statement_is_tried_again_where_its_session_can_be(
    postgres_server: PostgresServer,
    postgres_database: str,
    prepared: None,
    bystander: Bystander,
    first: str,
    again: bool,
) -> None:
    told = Recorder()

    def emit(event: Event) -> None:
        told(event)
        if isinstance(event, StatementFinished) and event.place == 1:
            bystander.execute("begin")
            bystander.execute("select * from t")
        if isinstance(event, Retried):
            bystander.execute("commit")

    sql = f"{OUTSIDE}\n{first}\nalter table t add column note text;"
    with hasty(postgres_server, postgres_database, retries=2) as engine:
        if again:
            apply_up(engine, BASE | {"001_x": sql}, emit=emit)
            assert len(told.of(Retried)) == 1
        else:
            with pytest.raises(Unresolved, match="half done"):
                apply_up(engine, BASE | {"001_x": sql}, emit=emit)
            assert told.of(Retried) == []
            bystander.execute("commit")


@pytest.mark.parametrize("marker", ["-- migrate:up", OUTSIDE])
def test_the_victim_of_a_deadlock_is_tried_again(
    postgres_server: PostgresServer, postgres_database: str, marker: str, postgres: Any
) -> None:
    apply_up(postgres, {"000_ab": "create table a ();\ncreate table b ();"})
    told = Recorder()
    with postgres_server.connect(postgres_database) as application:
        application.execute("set deadlock_timeout = '1min'")
        application.execute("begin")
        application.execute("lock table b")

        def lock_the_other() -> None:
            application.execute("lock table a")
            application.execute("commit")

        other = threading.Thread(target=lock_the_other)

        def emit(event: Event) -> None:
            told(event)
            if isinstance(event, Blocked) and not other.ident:
                other.start()

        both = "alter table a add x int;\nalter table b add x int;"
        if marker == OUTSIDE:
            both = f"do $$ begin {both.replace(chr(10), ' ')} end $$;"
        with open_engine(postgres_server, postgres_database, retries={"lock": 3}) as engine:
            migrations = {"000_ab": "create table a ();\ncreate table b ();"}
            apply_up(engine, migrations | {"001_x": f"{marker}\n{both}"}, emit=emit)
        other.join()
    assert "40P01" in told.of(Retried)[0].message


def test_a_conflict_of_serializable_transactions_is_tried_again(
    postgres_server: PostgresServer, postgres_database: str, postgres: Any, bystander: Bystander
) -> None:
    told = Recorder()
    bystander.execute("create table n (v int)")
    bystander.execute("create sequence tries")
    once = (
        "do $$ begin if nextval('tries') = 1 then raise exception using errcode = '40001'; "
        "end if; insert into n values (1); end $$;"
    )
    with hasty(postgres_server, postgres_database, retries=1) as engine:
        apply_up(engine, {"001_x": once}, emit=told)
    assert len(told.of(Retried)) == 1
    assert bystander.execute("select * from n").fetchall() == [(1,)]
