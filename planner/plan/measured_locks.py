"""Locks that were measured on PostgreSQL, as a plan holds them; measures nothing."""

from __future__ import annotations

from lockgate.planner.plan.plan import Lock
from lockgate.planner.reading.postgresql.locks import LOCKS, STRENGTHS

SPELLED = {lock.replace(" ", "") + "LOCK": lock for lock in LOCKS}


def spell_mode(mode: str) -> str:
    """A mode of pg_locks as statements spell it.

    >>> spell_mode("AccessExclusiveLock")
    'ACCESS EXCLUSIVE'
    """
    return SPELLED[mode.upper()]


def stronger_lock(one: str, other: str) -> str:
    """The stronger of two locks; none at all is an empty text."""
    return max(one, other, key=lambda lock: STRENGTHS.get(lock, -1))


def measured_lock(table: str, lock: str) -> Lock:
    """A lock on a table, with what it blocks."""
    return Lock(table=table, lock=lock, blocks=LOCKS[lock])


def shuts_out(lock: str) -> bool:
    """Whether others wait for a lock; none at all is an empty text."""
    return lock != "" and LOCKS[lock] != "nothing"
