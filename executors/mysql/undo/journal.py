"""The journal of one unit that is undone by compensation; written by the guard's session.

The guard's session has what no section can set, and each write is durable on return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.ledger.store import FORGET_INTENT, SET_STATUS
from lockgate.executors.lock import lost_lock
from lockgate.executors.mysql.undo.intents import Before, Intent
from lockgate.executors.states import Outcome, RunStatus
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.planner.plan.plan import Unit

# Only who holds both halves of the lock writes an intent: the guard asks for the other one.
INTEND = (
    "insert into {journal} (run_id, step, statement, digest, intent_at, image) "
    "select %s, %s, %s, %s, current_timestamp(6), %s from dual "
    "where is_used_lock(%s) = connection_id() and is_used_lock(%s) = %s and {ledger.alone}"
)
# The same, with the end of the statement before: both are there, or neither. A count of 3 says that
# one row is new and one was changed.
INTEND_NEXT = (
    "insert into {journal} "
    "(run_id, step, statement, digest, intent_at, image, outcome, done_at) select * from ("
    "select %s as run_id, %s as step, %s as statement, %s as digest, "
    "current_timestamp(6) as intent_at, %s as image, null as outcome, null as done_at from dual "
    "where is_used_lock(%s) = connection_id() and is_used_lock(%s) = %s and {ledger.alone} "
    "union all select run_id, step, statement, digest, intent_at, "
    f"%s, '{Outcome.DONE}', current_timestamp(6) "
    "from {journal} {plain} where run_id = %s and step = %s and statement = %s) as written "
    "on duplicate key update "
    "outcome = written.outcome, image = written.image, done_at = written.done_at"
)
WRITE_DONE = (
    "insert into {journal} (run_id, step, statement, digest, intent_at, outcome, done_at, image) "
    f"values (%s, %s, %s, %s, current_timestamp(6), '{Outcome.DONE}', current_timestamp(6), %s)"
)
NOTE = (
    "update {journal} set outcome = %s, done_at = current_timestamp(6) "
    "where run_id = %s and step = %s and statement = %s and {ledger.alone}"
)
NOTE_INTENT = (
    "update {journal} set outcome = %s, image = %s, done_at = current_timestamp(6) "
    "where run_id = %s and step = %s and statement = %s and {ledger.alone}"
)
READ = (
    "select step, statement, outcome, image from {journal} {plain} "
    "where run_id = %s and step between %s and %s order by step, statement"
)
IS_OPEN = (
    "select 1 from {journal} {plain} where run_id = %s and step = %s and statement = 0 "
    f"and coalesce(outcome, '') <> '{Outcome.COMMITTED}'"
)
COMMIT = "update {journal} set outcome = %s where run_id = %s and step between %s and %s"
FORGET = "delete from {journal} where run_id = %s and step between %s and %s and {ledger.alone}"
FIRST = 0  # the place of the row that holds what the unit found


@frozen
class JournalRow:
    """A statement that was begun: the number of its step, its place, and how it went."""

    step: int
    place: int
    outcome: Outcome
    intent: Intent


class UnitJournal:
    """What is written of one unit of a run. That a statement is done is written with the intent of
    the next, and before all else that is asked of the journal."""

    def __init__(self, engine: MySQL, run_id: str, unit: Unit) -> None:
        self._engine = engine
        self._run_id = run_id
        self._steps = unit.first, unit.first + len(unit.steps) - 1
        self._late: tuple[str, int, int] | None = None  # the image of what is done, and its place

    def begin(self, before: Before) -> None:
        """Notes what the unit finds, and that its run is applying."""
        self._intend(self._steps[0], FIRST, "", before.model_dump_json())
        self.set_status(RunStatus.APPLYING)

    def intend(self, step: int, place: int, digest: str, intent: Intent) -> None:
        """Notes that a statement begins.

        Raises:
            Locked: this executor does not hold the lock any more; nothing was written.
        """
        self._intend(step, place, digest, intent.model_dump_json())

    def note_done(self, step: int, place: int, intent: Intent) -> None:
        """Notes that a statement is done, and what it has left, when the next one begins or
        `settle` is called; a crash until then leaves its intent alone."""
        self._late = intent.model_dump_json(), step, place

    def settle(self) -> None:
        """Writes what is noted so far."""
        late, self._late = self._late, None
        if late:
            self._write(NOTE_INTENT, (Outcome.DONE, late[0], self._run_id, *late[1:]))

    def note_intent(self, step: int, place: int, outcome: Outcome, intent: Intent) -> None:
        """Notes how a statement went, and what is known of it now."""
        image = intent.model_dump_json()
        self._write(NOTE_INTENT, (outcome, image, self._run_id, step, place))

    def note(self, step: int, place: int, outcome: Outcome) -> None:
        """Notes how a statement went."""
        self._write(NOTE, (outcome, self._run_id, step, place))

    def write_done(self, step: int, place: int, digest: str, intent: Intent) -> None:
        """Notes in the open transaction of the work session a statement that is part of it."""
        values = (self._run_id, step, place, digest, intent.model_dump_json())
        self._engine.store.execute(WRITE_DONE, values)

    def note_in_transaction(self, step: int, place: int) -> None:
        """Notes in the open transaction of the work session that a statement is done."""
        self._engine.store.execute(NOTE, (Outcome.DONE, self._run_id, step, place))

    def forget(self, step: int, place: int) -> None:
        """Takes back the intent of a statement that did nothing."""
        self._write(FORGET_INTENT, (self._run_id, step, place))

    def set_status(self, status: RunStatus) -> None:
        """Notes the run's state."""
        self._write(SET_STATUS, (status, self._run_id))

    def is_open(self) -> bool:
        """Whether the unit was begun, and neither committed nor given up by anybody."""
        rows = self._engine.session.observe(
            self._engine.store.named(IS_OPEN), (self._run_id, self._steps[0])
        )
        return bool(rows)

    def read(self) -> tuple[Before, tuple[JournalRow, ...]]:
        """What the unit found, and its statements that are not undone, in running order."""
        self.settle()
        parameters = (self._run_id, *self._steps)
        rows = self._engine.session.observe(self._engine.store.named(READ), parameters)
        before = Before(catalogue={}, counters={})
        records = []
        for step, place, outcome, image in rows:
            if place == FIRST:
                before = Before.model_validate_json(image)
            else:
                intent = Intent.model_validate_json(image)
                records.append(JournalRow(step, place, Outcome(outcome or ""), intent))
        return before, tuple(records)

    def commit(self, *, leftovers: bool) -> None:
        """In the open transaction of the work session: the unit is kept."""
        steps = (self._run_id, *self._steps)
        if leftovers:
            self._engine.store.execute(COMMIT, (Outcome.COMMITTED, *steps))
        else:
            self._engine.store.execute(FORGET, steps)

    def close(self, status: RunStatus | None = None) -> None:
        """Forgets the unit, and notes how its run ended."""
        with self._engine.session.transaction():
            self._engine.store.execute(FORGET, (self._run_id, *self._steps))
            if status:
                self._engine.store.execute(SET_STATUS, (status, self._run_id))

    def _intend(self, step: int, place: int, digest: str, image: str) -> None:
        values = (self._run_id, step, place, digest, image, *self._engine.lock.guard_proof())
        late, self._late = self._late, None
        if late is None:
            held = self._write(INTEND, values) == 1
        else:
            ended = (late[0], self._run_id, *late[1:])
            held = self._write(INTEND_NEXT, (*values, *ended)) == 3
        if not held:
            raise lost_lock()

    def _write(self, sql: str, values: tuple[object, ...]) -> int:
        self.settle()
        return self._engine.store.execute_aside(sql, values)


def unfinished(records: tuple[JournalRow, ...]) -> tuple[JournalRow, ...]:
    """Those that are not undone yet, the last one first."""
    return tuple(record for record in reversed(records) if record.outcome != Outcome.UNDONE)
