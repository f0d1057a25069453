"""Batches on MySQL and MariaDB: each is a transaction with its row in lockgate_batches, and the
fence."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lockgate.executors.batches.key import BatchKey, find_fit_key
from lockgate.executors.batches.progress import (
    NOTE,
    WALK_AGAIN,
    KeyValues,
    Progress,
    note_begun,
    noted,
)
from lockgate.executors.batches.walk import BatchFailed, Journey, Stretch, run_walk
from lockgate.executors.commit_outcome import Commit, settle_commit
from lockgate.executors.events import StatementFinished, StepFinished, UnitCommitted
from lockgate.executors.failure import Failure, ServerError, StepFailed
from lockgate.executors.ledger.store import FINISH_RUN, FORGET_STEP
from lockgate.executors.lock import lost_lock
from lockgate.executors.mysql.batches.gauges import read_gauge
from lockgate.executors.mysql.lock import OWN_LOCK
from lockgate.executors.mysql.session import OWN_SETTINGS
from lockgate.executors.mysql.undo.blockers import LOST_TO_OTHERS
from lockgate.executors.mysql.units.journaled import INTEND
from lockgate.executors.states import RunStatus
from lockgate.planner.errors import Interrupted, Unreachable
from lockgate.planner.plan.statement import ASK

if TYPE_CHECKING:
    from lockgate.executors.engine import Journal, Run
    from lockgate.executors.events import Emit
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.planner.plan.plan import Step, Unit
    from lockgate.planner.plan.statement import Limit, PlannedStatement

FENCED_NOTE = f"{NOTE} and %s = (select serial from {{target}}) and {OWN_LOCK}"
ROWS = """
select table_rows from information_schema.tables
where concat('`', replace(table_schema, '`', '``'), '`.`', replace(table_name, '`', '``'), '`') = %s
"""


def run_batches(
    engine: MySQL, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
) -> None:
    """Runs what is left of a step in batches, and records it.

    Raises:
        BatchFailed, Paused: what is done is kept.
        StepFailed: its key is none; nothing was run.
    """
    (step,) = unit.steps
    (statement,) = step.statements
    assert statement.batch is not None, "the unit is one of batches"
    if engine.session.stateful:
        engine.lock.renew()
    key = find_fit_key(engine.session, unit.first, step, statement)
    walker = MySQLWalker(engine, run, unit.first, step, statement, key, serial)
    try:
        walker.begin(journal)
        done = run_walk(Journey(run, unit.first, step, 1, statement, engine.store, walker, emit))
        emit(StatementFinished(unit.first, step, 1, statement, done.changed, done.busy))
        _record(engine, run, unit, serial, emit)
    except (Interrupted, Unreachable):
        engine.lock.end_session()  # so that the batch under way is rolled back
        raise
    except ServerError as error:  # of lockgate's own statements
        failure = Failure(unit.first, step, 0, None, error)
        engine.lock.renew()
        raise StepFailed(failure) from error
    emit(StepFinished(unit.first, step, done.busy))
    emit(UnitCommitted(unit.first, unit.first))


def _record(engine: MySQL, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """The history's row and the end of the journal, in one transaction; a crash in the commit
    leaves all of it, or nothing."""
    (step,) = unit.steps
    is_last = unit.first == len(run.plan.steps)
    engine.session.execute("start transaction")
    engine.store.move_history([step], serial)
    engine.store.execute(FORGET_STEP, (run.id, unit.first))
    if is_last:
        engine.store.execute(FINISH_RUN, (RunStatus.COMMITTED, "", run.id))
    engine.lock.refuse_lost()
    try:
        engine.session.execute("commit")
    except Unreachable as lost:
        settle_commit(engine, Commit(run.id, unit.first, (step,), serial, is_last), lost, emit)


class MySQLWalker:
    """The batches of one statement; implements `executors.batches.walk.Walker`."""

    def __init__(
        self, engine: MySQL, run: Run, number: int, step: Step, statement: PlannedStatement,
        key: BatchKey, serial: int,
    ) -> None:  # fmt: skip
        assert statement.batch is not None
        self._engine, self._number, self._step, self._statement = engine, number, step, statement
        self._batch, self._table, self._serial = statement.batch, key.table, serial
        self._columns = [engine.session.quote(name) for name in self._batch.key]
        self._address = (run.id, number, 1)
        self.retries = engine.session.lock_retries

    def begin(self, journal: Journal | None) -> None:
        """Notes that the statement has begun, where no run before this one has."""
        note_begun(
            self._engine.store, self._address, self._batch, journal, self._intend, self._count
        )

    def _intend(self) -> None:
        values = (*self._address, self._statement.digest, "", *self._engine.lock.proof())
        if self._engine.store.execute(INTEND, values) != 1:
            raise lost_lock()

    def _count(self) -> int | None:
        found = self._engine.session.query_one(ROWS, (self._table,))
        return found[0] if found else None

    def find_stretch(self, after: KeyValues | None, size: int) -> Stretch | None:
        columns = ", ".join(self._columns)
        condition = f" where {self._beyond(after)}" if after is not None else ""
        walked = f"select {columns} from {self._table}{condition} order by {columns} limit {size}"
        last = ", ".join(f"{name} desc" for name in self._columns)
        rows = self._ask(
            f"select {columns}, found from (select {columns}, count(*) over () as found "
            f"from ({walked}) walked) counted order by {last} limit 1"
        )
        if not rows:
            return None
        *found, count = rows[0]
        if after is not None:
            return Stretch(int(count), _values(found))
        (begin,) = self._ask(f"select {columns} from {self._table} order by {columns} limit 1")
        return Stretch(int(count), _values(found), _values(begin))

    def run(self, progress: Progress, stretch: Stretch, size: Callable[[float], int]) -> int:
        lower = progress.place or stretch.first
        assert lower is not None, "a first stretch says where it begins"
        sql = self._batch.fill(
            self._statement.sql, self._list(lower), self._list(stretch.last),
            is_first=not progress.place,
        )  # fmt: skip
        session, store = self._engine.session, self._engine.store
        try:
            session.execute("start transaction")
            store.close_tables()
            started = time.monotonic()
            changed = session.run_statement(sql)
            seconds = time.monotonic() - started
            session.execute(OWN_SETTINGS)  # a trigger may have set others
            values = noted(progress, stretch.last, stretch.rows, changed, size(seconds), seconds)
            fence = (self._serial, *self._engine.lock.proof())
            if store.execute(FENCED_NOTE, (*values, *fence)) != 1:
                session.execute("rollback")
                raise lost_lock()
            # A crash here leaves all of the batch, its place with it, or nothing.
            session.execute("commit")
        except ServerError as error:
            session.execute("rollback")
            again = error.code in LOST_TO_OTHERS
            raise BatchFailed(self._failure(error), again) from error
        return changed

    def walk_again(self, progress: Progress) -> None:
        self._engine.store.write((WALK_AGAIN, (*progress.address, progress.pass_number)))

    def holds(self, condition: str) -> bool:
        try:
            return self._ask(ASK.format(condition)) == [(1,)]
        except ServerError as error:
            raise StepFailed(self._failure(error)) from error

    def measure(self, throttle: Limit) -> float | None:
        return read_gauge(self._engine.session, throttle)

    def _failure(self, error: ServerError) -> Failure:
        return Failure(self._number, self._step, 1, self._statement, error)

    def _ask(self, sql: str) -> list[Any]:
        return self._engine.session.query_all(sql)

    def _list(self, values: KeyValues) -> str:
        """Values as literals, by the driver's own quoting."""
        escape = self._engine.session.work.escape
        return ", ".join(escape(value) for value in values)

    def _beyond(self, after: KeyValues) -> str:
        """That a key is greater than one, so that an index of several columns is used: of a
        comparison of rows these servers use none.

        https://dev.mysql.com/doc/refman/9.7/en/row-constructor-optimization.html
        """
        escape = self._engine.session.work.escape
        pairs = [(name, escape(value)) for name, value in zip(self._columns, after, strict=True)]
        greater = []
        for count, (name, value) in enumerate(pairs):
            equal = [f"{one} = {same}" for one, same in pairs[:count]]
            greater.append(" and ".join((*equal, f"{name} > {value}")))
        return " or ".join(f"({one})" for one in greater)


def _values(row: Any) -> KeyValues:
    """A key's values as they are sent back: numbers as numbers, since a text is compared with a
    number as a double."""
    return tuple(one if isinstance(one, int | bytes | Decimal) else str(one) for one in row)
