"""Poolers: refused unless they keep a session for each client, and left as they were found."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lockgate.planner.errors import Locked, UsageError
from tests.executors.building import apply_up, create_tables, open_test_engine
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer

LEFT = """
select current_setting('statement_timeout'), current_setting('lock_timeout'),
    current_setting('search_path'), current_setting('row_security'), current_setting('timezone'),
    (select count(*) from pg_locks where locktype = 'advisory')
"""
UNTOUCHED = ("0", "0", '"$user", public', "on", "UTC", 0)
LIMITS: Any = {"timeouts": {"statement": "7s", "lock": "3s"}}
Bystander = psycopg.Connection[Any]


@pytest.fixture
def sharing(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    """A pooler in transaction mode with one server session, which all its clients get."""
    with PgBouncer(postgres_server, "transaction", size=1) as pooler:
        yield pooler


@pytest.fixture
def keeping(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    """A pooler in session mode."""
    with PgBouncer(postgres_server, "session") as pooler:
        yield pooler


def left_in(pooler: PgBouncer, database: str) -> Any:
    """What the next client of a pooler finds in the session that it is given."""
    with psycopg.connect(pooler.url(database), autocommit=True) as client:
        return client.execute(LEFT).fetchone()


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_that_nothing_is_said_of_is_refused(
    postgres_server: PostgresServer, postgres_database: str, mode: str
) -> None:
    with (
        PgBouncer(postgres_server, mode, size=1) as pooler,
        pytest.raises(UsageError, match=r"pooler(?s:.*)`pooler: session`"),
        open_test_engine(pooler, postgres_database, **LIMITS),
    ):
        pass


def test_a_refused_command_sets_nothing_on_the_shared_session(
    sharing: PgBouncer, postgres_database: str
) -> None:
    with psycopg.connect(sharing.url(postgres_database), autocommit=True) as client:
        client.execute("select 1")
        for own in (LIMITS, {**LIMITS, "pooler": "session"}):
            with pytest.raises(UsageError), open_test_engine(sharing, postgres_database, **own):
                pass
            assert client.execute(LEFT).fetchone() == UNTOUCHED


def test_a_pooler_that_shares_is_refused_though_it_is_called_one_of_sessions(
    sharing: PgBouncer, postgres_database: str
) -> None:
    with (
        pytest.raises(UsageError, match="second connection was given the same one"),
        open_test_engine(sharing, postgres_database, pooler="session"),
    ):
        pass


def test_through_a_pooler_of_sessions_a_plan_runs_and_leaves_nothing_in_the_session(
    keeping: PgBouncer, postgres_database: str, bystander: Bystander
) -> None:
    outside = "-- migrate:up transaction:false\ncreate index concurrently i on t1 (id);"
    migrations = {**create_tables(1), "002_index": outside}
    with open_test_engine(keeping, postgres_database, pooler="session", **LIMITS) as engine:
        report = apply_up(engine, migrations)
        assert len(report.steps) == 2
    assert bystander.execute("select to_regclass('i') is not null").fetchone() == (True,)
    assert left_in(keeping, postgres_database) == UNTOUCHED


def test_a_pool_of_one_session_is_taken(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    with (
        PgBouncer(postgres_server, "session", size=1) as pooler,
        open_test_engine(pooler, postgres_database, pooler="session") as engine,
    ):
        assert len(apply_up(engine, create_tables(1)).steps) == 1


def test_two_executors_behind_a_pooler_exclude_each_other(
    keeping: PgBouncer, postgres_database: str
) -> None:
    own = {"pooler": "session", "lock": {"wait": "0s"}}
    with (
        open_test_engine(keeping, postgres_database, **own) as holder,
        open_test_engine(keeping, postgres_database, **own) as other,
    ):
        apply_up(holder, create_tables(1))
        assert holder.lock.take()
        with pytest.raises(Locked, match="lockgate test"):
            apply_up(other, create_tables(2))


def test_a_lock_that_is_lost_behind_a_pooler_is_seen(
    keeping: PgBouncer, postgres_database: str, bystander: Bystander
) -> None:
    giving = "create table a ();\nselect pg_advisory_unlock_all();"
    with (
        open_test_engine(keeping, postgres_database, pooler="session") as engine,
        pytest.raises(Locked, match="lost"),
    ):
        apply_up(engine, {"001_act": giving})
    assert bystander.execute("select to_regclass('a')").fetchone() == (None,)


def test_a_session_that_is_left_in_a_transaction_keeps_nothing_of_it(
    keeping: PgBouncer, postgres_database: str, bystander: Bystander
) -> None:
    with open_test_engine(keeping, postgres_database, pooler="session") as engine:
        apply_up(engine, create_tables(1))
        assert engine.lock.take()
        engine.session.execute("begin")
        engine.session.execute("create table public.half ()")
        engine.session.end_session()
        assert engine.lock.take()
        assert bystander.execute("select to_regclass('half')").fetchone() == (None,)
