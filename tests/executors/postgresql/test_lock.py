"""PostgreSQL: who holds the migration lock, whether it may migrate, and how to end it."""

import re
from typing import Any

import psycopg
import pytest

from lockgate.executors.postgresql.lock import lock_key
from lockgate.planner.errors import Locked
from tests.executors.building import (
    apply_up,
    create_tables,
    lock_held_elsewhere,
    open_test_engine,
)
from tests.servers.postgres import PostgresServer

Bystander = psycopg.Connection[Any]


def test_a_holder_that_is_no_migrator_is_called_so_and_can_be_ended(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    role = f"h{postgres_database[-8:]}"
    bystander.execute(f"create role {role} login")
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        key = lock_key(engine.server.history_table)
        stranger = psycopg.connect(
            f"postgresql://{role}@{postgres_server.host}:{postgres_server.port}/"
            f"{postgres_database}?application_name=lockgate%20test",
            autocommit=True,
        )
        with stranger:
            stranger.execute("select pg_advisory_lock(%s)", (key,))
            with pytest.raises(Locked, match=f"The role {role} is no migrator") as caught:
                apply_up(engine, create_tables(2))
            found = re.search("`(select pg_terminate_backend.*?)`", caught.value.do)
            assert found
            bystander.execute(found[1])
            apply_up(engine, create_tables(2))
    bystander.execute(f"drop role {role}")


def test_a_holder_that_may_migrate_is_waited_for(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        with (
            lock_held_elsewhere(postgres_server, postgres_database),
            pytest.raises(Locked) as caught,
        ):
            apply_up(engine, create_tables(2))
        assert "may write lockgate's tables" in caught.value.what
        assert caught.value.do.startswith("Wait for the other run to end")
        assert "pg_terminate_backend(" in caught.value.do


def test_a_prepared_transaction_that_holds_it_is_named_and_can_be_ended(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    """Anyone who may connect may leave a lock behind that no session holds."""
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        key = lock_key(engine.server.history_table)
        bystander.execute("begin")
        bystander.execute("select pg_advisory_xact_lock(%s)", (key,))
        bystander.execute("prepare transaction 'it''s mine'")
        with pytest.raises(Locked, match="by a prepared transaction") as caught:
            apply_up(engine, create_tables(2))
        assert "`rollback prepared 'it''s mine'`" in caught.value.do
        bystander.execute("rollback prepared 'it''s mine'")
        apply_up(engine, create_tables(2))


def test_before_there_is_a_ledger_nobody_is_called_a_stranger(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    with (
        lock_held_elsewhere(postgres_server, postgres_database),
        open_test_engine(postgres_server, postgres_database) as engine,
    ):
        assert engine.lock.holder().is_migrator is None
