"""MySQL: the engine that `executors.engine` opens; nothing of it is loaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executors.mysql.engine import MySQL
    from planner.address import DatabaseAddress
    from planner.environment import Environment


def connect(address: DatabaseAddress, environment: Environment) -> MySQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the server is a MariaDB.
    """
    from executors.mysql.engine import MySQL

    return MySQL(address, environment)
