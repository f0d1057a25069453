"""Units on MySQL and MariaDB: which way each is run and ended; knows no SQL but the ledger's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.ledger.store import SET_STATUS
from lockgate.executors.mysql.gauge import RebuildGauge
from lockgate.executors.mysql.undo import recovery
from lockgate.executors.mysql.undo.counters import give_back_counters
from lockgate.executors.mysql.undo.unit_undo import ACCEPT, clear_committed, put_aside
from lockgate.executors.mysql.units.journaled import run_step
from lockgate.executors.states import RunStatus

if TYPE_CHECKING:
    from lockgate.executors.engine import Journal, Run
    from lockgate.executors.events import Emit
    from lockgate.executors.gauge import Gauge
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.planner.plan.plan import Plan, Unit


class MySQLUnits:
    """The running of units on a session; implements `executors.engine.Units`."""

    def __init__(self, engine: MySQL) -> None:
        self._engine = engine

    def run(self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit) -> None:
        if unit.transaction is not None:
            recovery.run_unit(self._engine, run, unit, serial, emit)
            return
        self._engine.store.execute(SET_STATUS, (RunStatus.APPLYING, run.id))
        if unit.batches:
            from lockgate.executors.mysql.batches.walker import run_batches

            run_batches(self._engine, run, unit, serial, journal, emit)
            return
        run_step(self._engine, run, unit, serial, journal, emit)

    def recover(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        recovery.recover_unit(self._engine, run, unit, serial, emit)

    def undo(self, run: Run, unit: Unit, emit: Emit) -> tuple[str, ...]:
        return recovery.undo_unit(self._engine, run, unit, emit)

    def finish(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        recovery.finish_unit(self._engine, run, unit, serial, emit)

    def tidy(self, run: Run, unit: Unit) -> bool:
        from lockgate.executors.mysql.online.settling import tidy

        return tidy(self._engine, run, unit)

    def accept(self, run_id: str, reason: str, emit: Emit) -> None:
        self._engine.store.settle_run(run_id, reason, ACCEPT)
        self.clear(emit)

    def give_up(self, run: Run, unit: Unit, reason: str) -> tuple[str, ...]:
        left = put_aside(self._engine, run.id, unit) if unit.transaction is not None else ()
        self._engine.store.settle_run(run.id, reason)
        return left

    def clear(self, emit: Emit) -> None:
        give_back_counters(self._engine)
        clear_committed(self._engine, emit)

    def refuse_weaker(self, plan: Plan, done: int) -> None:
        recovery.refuse_weaker(self._engine, plan, done)

    @contextmanager
    def measuring(self) -> Iterator[Gauge]:
        yield RebuildGauge(self._engine.session)
