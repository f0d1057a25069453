"""MySQL: the engine, of a session and the running of units; knows no SQL itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lockgate.executors.engine import Journal, Run, Traits
from lockgate.executors.events import Emit
from lockgate.executors.gauge import Gauge
from lockgate.executors.mysql import catalogue, scratch
from lockgate.executors.mysql.facts import read_facts
from lockgate.executors.mysql.gauge import RebuildGauge
from lockgate.executors.mysql.session import MySQLSession
from lockgate.executors.mysql.undo import atomicity
from lockgate.executors.mysql.undo.counters import give_back_counters
from lockgate.executors.mysql.undo.rollback import ACCEPT, clear_committed
from lockgate.executors.mysql.units import run_step
from lockgate.executors.store import SET_STATUS
from lockgate.planner.database.catalogue import Catalogue
from lockgate.planner.database.facts import Facts
from lockgate.planner.plan.plan import Plan, Unit
from lockgate.planner.plan.rehearsal import Reach


class MySQL(MySQLSession):
    """A session on a MySQL database; implements `executors.engine.Engine`."""

    def read_facts(self) -> Facts:
        return read_facts(self)

    def read_catalogue(self) -> Catalogue:
        return catalogue.read_catalogue(self)

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
        atomicity.refuse_weaker(self, plan, done)

    def run_unit(
        self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
    ) -> None:
        if unit.transaction is not None:
            atomicity.run_unit(self, run, unit, serial, emit)
            return
        self.execute(self.named(SET_STATUS), ("APPLYING", run.id))
        run_step(self, run, unit, serial, journal, emit)

    def recover(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        atomicity.recover(self, run, unit, serial, emit)

    def undo(self, run: Run, unit: Unit, emit: Emit) -> None:
        atomicity.undo(self, run, unit, emit)

    def finish(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        atomicity.finish(self, run, unit, serial, emit)

    def accept_run(self, run_id: str, reason: str) -> None:
        self.close_run(run_id, reason, ACCEPT)

    def clear(self, emit: Emit) -> None:
        give_back_counters(self)
        clear_committed(self, emit)
