"""PostgreSQL: the engine, of its parts; knows no SQL itself.

What only some commands need is imported when it is asked for: `status` reads the ledger alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lockgate.executors.postgresql.lock import PostgreSQLLock
from lockgate.executors.postgresql.session import PostgreSQLSession
from lockgate.executors.postgresql.store import PostgreSQLStore

if TYPE_CHECKING:
    from lockgate.executors.postgresql.catalogue.survey import PostgreSQLSurvey
    from lockgate.executors.postgresql.scratch import PostgreSQLScratch
    from lockgate.executors.postgresql.units.units import PostgreSQLUnits
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.server import Server
    from lockgate.planner.environments.environment import Environment


class PostgreSQL:
    """A PostgreSQL database; implements `executors.engine.Engine`."""

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self.session = PostgreSQLSession(address, environment)
        self.lock = PostgreSQLLock(self.session, environment.lock.wait)
        self.store = PostgreSQLStore(self.session, self.lock)
        self.lock.paused_by = self._paused_by

    def _paused_by(self) -> str:
        from lockgate.executors.batches.progress import paused_by

        return paused_by(self.store)

    @property
    def server(self) -> Server:
        """What the server has said of itself."""
        return self.session.server

    @cached_property
    def survey(self) -> PostgreSQLSurvey:
        """How it compares with others."""
        from lockgate.executors.postgresql.catalogue.survey import PostgreSQLSurvey

        return PostgreSQLSurvey(self.session)

    @cached_property
    def scratch(self) -> PostgreSQLScratch:
        """The server's scratch databases."""
        from lockgate.executors.postgresql.scratch import PostgreSQLScratch

        return PostgreSQLScratch(self.session)

    @cached_property
    def units(self) -> PostgreSQLUnits:
        """The running of units."""
        from lockgate.executors.postgresql.units.units import PostgreSQLUnits

        return PostgreSQLUnits(self)

    def close(self) -> None:
        """Ends the session."""
        self.session.close()
