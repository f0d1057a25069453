"""Units on PostgreSQL: one transaction each, or one statement after the other.

The server itself undoes an interrupted transaction, so there is little to end here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.postgresql.units.journaled import give_up_begun, run_outside
from lockgate.executors.postgresql.units.transaction import run_transaction
from lockgate.planner.errors import Interrupted

if TYPE_CHECKING:
    from lockgate.executors.engine import Journal, Run
    from lockgate.executors.events import Emit
    from lockgate.executors.gauge import Gauge
    from lockgate.executors.postgresql.engine import PostgreSQL
    from lockgate.planner.plan.plan import Plan, Unit


def _run_batches(
    engine: PostgreSQL, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
) -> None:
    from lockgate.executors.postgresql.batches.walker import run_batches

    run_batches(engine, run, unit, serial, journal, emit)


class PostgreSQLUnits:
    """The running of units on a session; implements `executors.engine.Units`."""

    def __init__(self, engine: PostgreSQL) -> None:
        self._engine = engine

    def run(self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit) -> None:
        engine = self._engine
        engine.session.note_process()
        if unit.transaction is not None:
            with engine.session.ending_when_busy():
                run_transaction(engine, run, unit, serial, emit)
            return
        run_step = _run_batches if unit.batches else run_outside
        try:
            with engine.session.ending_when_busy():
                run_step(engine, run, unit, serial, journal, emit)
        except Interrupted:
            give_up_begun(engine, run, unit)
            raise

    def recover(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        """Nothing: its units are transactions, and the server has undone an interrupted one."""

    finish = recover

    def undo(self, run: Run, unit: Unit, emit: Emit) -> tuple[str, ...]:
        """As `recover`."""
        return ()

    def tidy(self, run: Run, unit: Unit) -> bool:
        """Nothing: no program copies a table."""
        return False

    def accept(self, run_id: str, reason: str, emit: Emit) -> None:
        self._engine.store.settle_run(run_id, reason)

    def give_up(self, run: Run, unit: Unit, reason: str) -> tuple[str, ...]:
        self._engine.store.settle_run(run.id, reason)
        return ()

    def clear(self, emit: Emit) -> None:
        """Nothing: what a plan drops is gone with its commit."""

    def refuse_weaker(self, plan: Plan, done: int) -> None:
        """Never: a transaction keeps what it promises."""

    @contextmanager
    def measuring(self) -> Iterator[Gauge]:
        from lockgate.executors.postgresql.gauge import StatementGauge

        gauge = self._engine.session.gauge = StatementGauge(self._engine.session)
        try:
            yield gauge
        finally:
            self._engine.session.gauge = None
