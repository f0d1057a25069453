"""MariaDB: what it does otherwise than MySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.mysql.engine import MySQL
from lockgate.executors.mysql.session import MySQLSession
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment


def connect(address: DatabaseAddress, environment: Environment) -> MariaDB:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the server is no MariaDB.
    """
    return MariaDB(address, environment)


class MariaDBSession(MySQLSession):
    """The two sessions of an executor on MariaDB."""

    kind = "mariadb"
    mark = "server_uid"
    parent_code = "1451"
    statement_limit = "max_statement_time", 1
    names_at_once = 1  # of more than one name it reads every table of the schema
    rebuilds_empty_tables = False

    def refuse_other_server(self, version: str) -> None:
        if "mariadb" not in version.lower():
            raise UsageError(
                f"The server is a MySQL ({version}).",
                do="Write `engine: mysql` in the environment.",
            )


class MariaDB(MySQL):
    """A MariaDB database; implements `executors.engine.Engine`."""

    opens = MariaDBSession
