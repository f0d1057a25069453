"""PostgreSQL: the engine that `executors.engine` opens; nothing of it is loaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executors.postgresql.engine import PostgreSQL
    from planner.address import DatabaseAddress
    from planner.environment import Environment


def connect(address: DatabaseAddress, environment: Environment) -> PostgreSQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the connection goes through a pooler that shares sessions.
    """
    from executors.postgresql.engine import PostgreSQL

    return PostgreSQL(address, environment)
