"""MySQL: the engine, of its parts; knows no SQL itself.

What only some commands need is imported when it is asked for: `status` reads the ledger alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lockgate.executors.mysql.lock import MySQLLock
from lockgate.executors.mysql.session import MySQLSession
from lockgate.executors.mysql.store import MySQLStore

if TYPE_CHECKING:
    from lockgate.executors.mysql.catalogue.survey import MySQLSurvey
    from lockgate.executors.mysql.scratch import MySQLScratch
    from lockgate.executors.mysql.units.units import MySQLUnits
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.server import Server
    from lockgate.planner.environments.environment import Environment


class MySQL:
    """A MySQL database; implements `executors.engine.Engine`."""

    opens: type[MySQLSession] = MySQLSession

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self.session = self.opens(address, environment)
        self.store = MySQLStore(self.session)
        self.lock = MySQLLock(self.session, environment.lock.wait)
        self.lock.paused_by = self._paused_by

    def _paused_by(self) -> str:
        from lockgate.executors.batches.progress import paused_by

        return paused_by(self.store)

    @property
    def server(self) -> Server:
        """What the server has said of itself."""
        return self.session.server

    @cached_property
    def survey(self) -> MySQLSurvey:
        """How it compares with others."""
        from lockgate.executors.mysql.catalogue.survey import MySQLSurvey

        return MySQLSurvey(self.session)

    @cached_property
    def scratch(self) -> MySQLScratch:
        """The server's scratch databases."""
        from lockgate.executors.mysql.scratch import MySQLScratch

        return MySQLScratch(self.session)

    @cached_property
    def units(self) -> MySQLUnits:
        """The running of units."""
        from lockgate.executors.mysql.units.units import MySQLUnits

        return MySQLUnits(self)

    def close(self) -> None:
        """Ends the session."""
        self.session.close()
