"""PostgreSQL: the engine that `executors.engine` opens; nothing of it is loaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.executors.postgresql.engine import PostgreSQL
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment


def connect(address: DatabaseAddress, environment: Environment) -> PostgreSQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the connection goes through a pooler that shares sessions.
    """
    from lockgate.executors.postgresql.engine import PostgreSQL

    return PostgreSQL(address, environment)
