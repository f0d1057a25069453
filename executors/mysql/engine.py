"""MySQL: the engine, of a session and the running of units; knows no SQL itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.executors.mysql.facts import read_facts
from lockgate.executors.mysql.scratch import MySQLScratch
from lockgate.executors.mysql.store import MySQLSession
from lockgate.executors.mysql.syntax import find_syntax_error
from lockgate.executors.mysql.units.units import MySQLUnits

if TYPE_CHECKING:
    from lockgate.executors.failure import Failure
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.plan import Plan


class MySQL(MySQLSession):
    """A session on a MySQL database; implements `executors.engine.Engine`."""

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        super().__init__(address, environment)
        self.scratch = MySQLScratch(self)
        self.units = MySQLUnits(self)

    def read_facts(self) -> Facts:
        return read_facts(self)

    def find_syntax_error(self, plan: Plan) -> Failure | None:
        return find_syntax_error(self, plan)

    def read_catalogue(self) -> Catalogue:
        return read_catalogue(self)
