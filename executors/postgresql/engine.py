"""PostgreSQL: the engine that `executors.engine` opens, a session that runs units of plans."""

from __future__ import annotations

from executors.engine import Journal, Run
from executors.events import Emit
from executors.postgresql_session import PostgreSQLSession
from executors.postgresql_units import run_outside, run_transaction
from planner.environment import DatabaseAddress, Environment
from planner.plan import Unit


def connect(address: DatabaseAddress, environment: Environment) -> PostgreSQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the connection goes through a pooler that shares sessions.
    """
    return PostgreSQL(address, environment)


class PostgreSQL(PostgreSQLSession):
    """A session on a PostgreSQL database; implements `executors.engine.Engine`."""

    def run_unit(
        self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
    ) -> None:
        with self.ending_when_busy():
            if unit.transaction is None:
                run_outside(self, run, unit, serial, journal, emit)
            else:
                run_transaction(self, run, unit, serial, emit)
