"""MySQL: the engine, of a session and the running of units; knows no SQL itself.

What only some commands need is imported when it is asked for: `status` reads the ledger alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lockgate.executors.mysql.store import MySQLSession

if TYPE_CHECKING:
    from lockgate.executors.failure import Failure
    from lockgate.executors.mysql.scratch import MySQLScratch
    from lockgate.executors.mysql.units.units import MySQLUnits
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.plan.plan import Plan


class MySQL(MySQLSession):
    """A session on a MySQL database; implements `executors.engine.Engine`."""

    @cached_property
    def scratch(self) -> MySQLScratch:
        """The session's scratch databases."""
        from lockgate.executors.mysql.scratch import MySQLScratch

        return MySQLScratch(self)

    @cached_property
    def units(self) -> MySQLUnits:
        """The running of units."""
        from lockgate.executors.mysql.units.units import MySQLUnits

        return MySQLUnits(self)

    def read_facts(self) -> Facts:
        from lockgate.executors.mysql.facts import read_facts

        return read_facts(self)

    def find_syntax_error(self, plan: Plan) -> Failure | None:
        from lockgate.executors.mysql.syntax import find_syntax_error

        return find_syntax_error(self, plan)

    def read_catalogue(self) -> Catalogue:
        from lockgate.executors.mysql.catalogue.catalogue import read_catalogue

        return read_catalogue(self)
