"""Batches on PostgreSQL: each is a transaction with its row in lockgate_batches, and the fence."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lockgate.executors.batches.key import BatchKey, find_fit_key
from lockgate.executors.batches.progress import (
    NOTE,
    WALK_AGAIN,
    KeyValues,
    Progress,
    note_begun,
    noted,
)
from lockgate.executors.batches.walk import BatchFailed, Journey, Stretch, run_walk, timed
from lockgate.executors.events import StatementFinished, UnitCommitted
from lockgate.executors.lock import lost_lock
from lockgate.executors.postgresql.batches.gauges import read_gauge
from lockgate.executors.postgresql.lock import OWN_LOCK
from lockgate.executors.postgresql.own_settings import LEAVE_LOCALLY
from lockgate.executors.postgresql.pipeline import Command, CommandFailed
from lockgate.executors.postgresql.units.journaled import OWN_WAY_BEHIND, record_end, write_intent
from lockgate.executors.postgresql.units.transaction import LOST_TO_OTHERS, Mark, step_failed
from lockgate.planner.plan.statement import ASK

if TYPE_CHECKING:
    from lockgate.executors.engine import Journal, Run
    from lockgate.executors.events import Emit
    from lockgate.executors.postgresql.engine import PostgreSQL
    from lockgate.planner.plan.plan import Unit
    from lockgate.planner.plan.statement import Limit

FENCED_NOTE = f"""
{NOTE} and exists (select from {{target}} where serial = %s) and exists ({OWN_LOCK})
"""
ROWS = """
select sum(greatest(reltuples, 0))::bigint from pg_class
where oid = any (array[%s::regclass] || array(
    select relid from pg_partition_tree(%s::regclass) where isleaf))
"""


def run_batches(
    engine: PostgreSQL, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
) -> None:
    """Runs what is left of a step in batches, and records it.

    Raises:
        BatchFailed, Paused: what is done is kept.
        StepFailed: its key is none; nothing was run.
    """
    (step,) = unit.steps
    (statement,) = step.statements
    mark = Mark(unit.first, step, 1, statement)
    batch = statement.batch
    assert batch is not None, "the unit is one of batches"
    key = find_fit_key(engine.session, unit.first, step, statement)
    address = (run.id, unit.first, 1)
    note_begun(
        engine.store, address, batch, journal,
        intend=lambda: write_intent(engine, (*address, statement.digest)),
        count=lambda: engine.session.query_all(ROWS, (key.table, key.table))[0][0],
    )  # fmt: skip
    walker = PostgreSQLWalker(engine, run, mark, key, serial, emit)
    journey = Journey(run, unit.first, step, 1, statement, engine.store, walker, emit)
    done = run_walk(journey)
    emit(StatementFinished(unit.first, step, 1, statement, done.changed, done.busy))
    record_end(engine, run, unit, serial, timed(emit, done.busy))
    emit(UnitCommitted(unit.first, unit.first))


class PostgreSQLWalker:
    """The batches of one statement; implements `executors.batches.walk.Walker`.

    In its transaction a batch finds the session as a migration does; before and after it, the
    session is lockgate's own, whatever a trigger has set.
    """

    def __init__(
        self, engine: PostgreSQL, run: Run, mark: Mark, key: BatchKey, serial: int, emit: Emit
    ) -> None:
        assert mark.statement is not None
        assert mark.statement.batch is not None
        self._engine, self._run, self._mark = engine, run, mark
        self._table, self._serial, self._emit = key.table.replace("%", "%%"), serial, emit
        self._sql, self._batch = mark.statement.sql, mark.statement.batch
        quoted = (engine.session.quote(name) for name in self._batch.key)
        self._columns = [name.replace("%", "%%") for name in quoted]
        self.retries = engine.session.lock_retries

    def find_stretch(self, after: KeyValues | None, size: int) -> Stretch | None:
        columns = ", ".join(self._columns)
        # A name alone would be that of the text which is selected, and order by it.
        texts = ", ".join(f"one.{name}::text" for name in self._columns)
        ask = self._engine.session.query_all
        walked = f"select {columns} from {self._table}"
        if after is not None:
            walked += f" where ({columns}) > ({', '.join(['%s'] * len(after))})"
        walked += f" order by {columns} limit {size}"
        first = ", ".join(f"one.{name}" for name in self._columns)
        last = ", ".join(f"one.{name} desc" for name in self._columns)
        rows = ask(
            f"select {texts}, rows from (select *, count(*) over () as rows from ({walked}) walked)"
            f" one order by {last} limit 1",
            after or (),
        )
        if not rows:
            return None
        *found, count = rows[0]
        if after is not None:
            return Stretch(count, tuple(found))
        (begin,) = ask(f"select {texts} from {self._table} one order by {first} limit 1")
        return Stretch(count, tuple(found), begin)

    def run(self, progress: Progress, stretch: Stretch, size: Callable[[float], int]) -> int:
        count = len(self._columns)
        lower = progress.place or stretch.first
        assert lower is not None, "a first stretch says where it begins"
        sql = self._batch.fill(
            self._sql, _numbers(1, count), _numbers(count + 1, count), is_first=not progress.place
        )
        values = tuple(map(str, (*lower, *stretch.last)))
        session = self._engine.session
        batch = [*self._beginning(), Command(sql, self._mark, values, report=True)]
        with session.watching(self._emit) as watch:
            try:
                started = time.monotonic()
                *_, ran = session.pipelined(batch, watch)
                seconds = time.monotonic() - started
                note = self._note(progress, stretch, ran.rows, size(seconds), seconds)
                if list(session.pipelined(note))[-1].rows != 1:
                    session.roll_back()
                    raise lost_lock()
                # A crash here leaves all of the batch, its place with it, or nothing.
                list(session.pipelined(self._ending()))
            except CommandFailed as failed:
                session.roll_back()
                error = step_failed(failed, watch.blockers)
                again = failed.error.code in LOST_TO_OTHERS
                raise BatchFailed(error.failure, again) from failed
        return ran.rows

    def walk_again(self, progress: Progress) -> None:
        self._engine.store.write((WALK_AGAIN, (*progress.address, progress.pass_number)))

    def holds(self, condition: str) -> bool:
        asking = Command(ASK.format(condition), self._mark, asks=True, report=True)
        session = self._engine.session
        try:
            *_, answer = session.pipelined([*self._beginning(), asking])
            list(session.pipelined(self._ending()))
        except CommandFailed as failed:
            session.roll_back()
            raise step_failed(failed) from failed
        return answer.answer == "1"

    def measure(self, throttle: Limit) -> float | None:
        return read_gauge(self._engine.session, throttle)

    def _beginning(self) -> list[Command[Mark]]:
        return [Command("begin", self._mark), Command(LEAVE_LOCALLY, self._mark)]

    def _ending(self) -> list[Command[Mark]]:
        """What is deferred to the commit is the migration's too."""
        ending = [Command(sql, self._mark) for sql in (LEAVE_LOCALLY, "commit")]
        return [*ending, *self._engine.session.reset_commands(self._mark)]

    def _note(
        self, progress: Progress, stretch: Stretch, changed: int, size: int, seconds: float
    ) -> list[Command[Mark]]:
        """The place after a batch, by lockgate's own settings until the transaction ends; it
        touches one row, or the lock is lost."""
        store, mark = self._engine.store, self._mark
        values = noted(progress, stretch.last, stretch.rows, changed, size, seconds)
        fence = (self._serial, *self._engine.lock.key)
        return [
            Command(OWN_WAY_BEHIND, mark),
            *store.guard_commands(mark),
            store.own_command(FENCED_NOTE, (*values, *fence), mark),
        ]


def _numbers(first: int, count: int) -> str:
    """Parameters as PostgreSQL counts them.

    >>> _numbers(3, 2)
    '$3, $4'
    """
    return ", ".join(f"${number}" for number in range(first, first + count))
