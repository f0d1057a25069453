"""MariaDB: what it does otherwise than MySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.mysql.engine import MySQL
from lockgate.executors.mysql.session import MARKS, MySQLSession
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment


PLACE = "select sha1(concat_ws(':', @@hostname, @@port, @@datadir))"


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
    marks = ("server_uid", "wsrep_on")
    parent_code = "1451"
    statement_limit = "max_statement_time", 1
    names_at_once = 1  # of more than one name it reads every table of the schema
    rebuilds_empty_tables = False
    waits = ("STATES", "TRANSACTIONS", "PERCENT")
    fails_over = False
    grants_make_users = True

    def _read_mark(self) -> str:
        """In a Galera cluster what its nodes share. MariaDB has server_uid since 10.6; before,
        a server is known by where it runs."""
        found = {str(name).lower(): str(value) for name, value in self.query_all(
            MARKS, (self.marks,))}  # fmt: skip
        if found.get("wsrep_on") == "ON":
            from lockgate.executors.mysql.nodes.cluster import CAUSAL, read_cluster

            self.cluster = read_cluster(self)
            self.own = (CAUSAL,)
            self.execute(f"set session {CAUSAL}")
            return self.cluster.state
        return found.get("server_uid") or str(self.query_all(PLACE)[0][0])

    def refuse_other_server(self, version: str) -> None:
        if "mariadb" not in version.lower():
            raise UsageError(
                f"The server is a MySQL ({version}).",
                do="Write `engine: mysql` in the environment.",
            )


class MariaDB(MySQL):
    """A MariaDB database; implements `executors.engine.Engine`."""

    opens = MariaDBSession
