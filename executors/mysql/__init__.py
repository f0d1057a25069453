"""MySQL: the engine that `executors.engine` opens; nothing of it is loaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment


def connect(address: DatabaseAddress, environment: Environment) -> MySQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the server is a MariaDB.
    """
    from lockgate.executors.mysql.engine import MySQL

    return MySQL(address, environment)
