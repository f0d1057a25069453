"""MySQL: the engine, of a session and the running of units; knows no SQL itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.ledger.store import SET_STATUS
from lockgate.executors.mysql import scratch
from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.executors.mysql.facts import read_facts
from lockgate.executors.mysql.gauge import RebuildGauge
from lockgate.executors.mysql.store import MySQLSession
from lockgate.executors.mysql.syntax import find_syntax_error
from lockgate.executors.mysql.undo import recovery
from lockgate.executors.mysql.undo.counters import give_back_counters
from lockgate.executors.mysql.undo.unit_undo import ACCEPT, clear_committed
from lockgate.executors.mysql.units.journaled import run_step
from lockgate.executors.states import RunStatus

if TYPE_CHECKING:
    from lockgate.executors.engine import Journal, Run, Traits
    from lockgate.executors.events import Emit
    from lockgate.executors.failure import Failure
    from lockgate.executors.gauge import Gauge
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.plan.plan import Plan, Unit
    from lockgate.planner.plan.rehearsal import Reach


class MySQL(MySQLSession):
    """A session on a MySQL database; implements `executors.engine.Engine`."""

    def read_facts(self) -> Facts:
        return read_facts(self)

    def find_syntax_error(self, plan: Plan) -> Failure | None:
        return find_syntax_error(self, plan)

    def read_catalogue(self) -> Catalogue:
        return read_catalogue(self)

    def read_counters(self) -> Catalogue:
        return scratch.read_counters(self)

    @contextmanager
    def measuring(self) -> Iterator[Gauge]:
        yield RebuildGauge(self)

    def read_traits(self) -> Traits:
        return scratch.read_traits(self)

    def read_reach(self) -> Reach:
        return scratch.read_reach(self)

    def create_database(self, name: str, traits: Traits) -> None:
        scratch.create_database(self, name, traits)

    def drop_database(self, name: str) -> None:
        scratch.drop_database(self, name)

    def refuse_weaker(self, plan: Plan, done: int) -> None:
        recovery.refuse_weaker(self, plan, done)

    def run_unit(
        self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
    ) -> None:
        if unit.transaction is not None:
            recovery.run_unit(self, run, unit, serial, emit)
            return
        self.execute(self.named(SET_STATUS), (RunStatus.APPLYING, run.id))
        run_step(self, run, unit, serial, journal, emit)

    def recover(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        recovery.recover(self, run, unit, serial, emit)

    def undo(self, run: Run, unit: Unit, emit: Emit) -> None:
        recovery.undo(self, run, unit, emit)

    def finish(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        recovery.finish(self, run, unit, serial, emit)

    def accept_run(self, run_id: str, reason: str) -> None:
        self.close_run(run_id, reason, ACCEPT)

    def clear(self, emit: Emit) -> None:
        give_back_counters(self)
        clear_committed(self, emit)
