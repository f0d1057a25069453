"""MySQL: the engine, of a session and the running of units; knows no SQL itself."""

from __future__ import annotations

from executors.engine import Journal, Run
from executors.events import Emit
from executors.mysql_session import MySQLSession
from executors.mysql_units import run_step
from planner.environment import DatabaseAddress, Environment
from planner.plan import Unit


def connect(address: DatabaseAddress, environment: Environment) -> MySQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the server is a MariaDB.
    """
    return MySQL(address, environment)


class MySQL(MySQLSession):
    """A session on a MySQL database; implements `executors.engine.Engine`."""

    def run_unit(
        self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
    ) -> None:
        run_step(self, run, unit, serial, journal, emit)
