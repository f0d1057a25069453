"""What a bystander's PostgreSQL session sees of lockgate, and how it is in its way.

It must not sleep: it waits for what it can see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.servers.process import wait_until

OURS = """
select pid, coalesce(state, ''), coalesce(wait_event, ''), query from pg_stat_activity
where datname = current_database() and application_name like 'lockgate%' order by pid
"""
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted and objid = %s"
HELD = """
select count(*) from pg_locks where locktype = 'advisory' and granted and pid <> pg_backend_pid()
and database = (select oid from pg_database where datname = current_database())
"""

Bystander = psycopg.Connection[Any]


def gate(number: int) -> str:
    """A statement that waits while a bystander keeps the gate of that number shut.

    It asks for a shared lock and gives it back at once, so nothing is left in the session.
    """
    return f"select pg_advisory_xact_lock_shared({number})"


@contextmanager
def shut(bystander: Bystander, number: int) -> Iterator[None]:
    """The gate of that number, shut for the block."""
    bystander.execute("select pg_advisory_lock(%s)", (number,))
    try:
        yield
    finally:
        bystander.execute("select pg_advisory_unlock(%s)", (number,))


def await_at(bystander: Bystander, number: int) -> None:
    """Returns when somebody is before the gate of that number."""
    wait_until(lambda: count(bystander, WAITING, number) == 1, f"somebody at the gate {number}")


def await_gone(bystander: Bystander) -> None:
    """Returns when no session of lockgate is left on this database."""
    wait_until(lambda: not sessions(bystander), "no session of lockgate is left")


def sessions(bystander: Bystander) -> list[Any]:
    """The sessions of lockgate on this database: process id, state, wait event, query. The state is
    empty of one that is just being opened."""
    return bystander.execute(OURS).fetchall()


def count(bystander: Bystander, sql: str, *values: object) -> int:
    """The number that a query counts."""
    row = bystander.execute(sql.encode(), values or None).fetchone()
    assert row is not None
    return int(row[0])


def held_by_others(bystander: Bystander) -> int:
    """How many advisory locks of this database others hold, the migration lock among them."""
    return count(bystander, HELD)
