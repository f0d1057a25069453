"""MariaDB: what it does otherwise than MySQL."""

from __future__ import annotations

import re

from executors.mysql import MySQL
from planner.dialect import MARIADB
from planner.environment import DatabaseAddress, Environment
from planner.errors import UsageError

# MariaDB's DDL is atomic for one object, not for a list of them, nor for CREATE OR REPLACE.
# https://mariadb.com/kb/en/atomic-ddl/
PARTIAL = re.compile(r"drop\s+(?:table|view|user|role|database|schema)\b.*,|"
                     r"drop\s+(?:database|schema)\b|grant\b|create\s+or\s+replace\s+table\b",
                     re.IGNORECASE | re.DOTALL)  # fmt: skip


def connect(address: DatabaseAddress, environment: Environment) -> MariaDB:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the server is no MariaDB.
    """
    return MariaDB(address, environment)


class MariaDB(MySQL):
    """A session on a MariaDB database; implements `executors.engine.Engine`."""

    dialect = MARIADB
    mark = "server_uid"
    statement_limit = "max_statement_time", 1.0

    def is_in_doubt(self, sql: str) -> bool:
        return PARTIAL.match(sql) is not None

    def refuse_other_server(self, version: str) -> None:
        if "mariadb" not in version.lower():
            raise UsageError(
                f"The server is a MySQL ({version}).",
                do="Write `engine: mysql` in the environment.",
            )
