"""Units that are atomic by compensation on MySQL and MariaDB: run, undone, or rolled forward.

The server commits DDL by itself, so what a unit has done is undone from the journal's pre-images.
The statements at its end that change rows alone are one transaction with the history's rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeVar

from lockgate.executors.commit_outcome import commit_of, reconnect, settle_commit
from lockgate.executors.engine import Run
from lockgate.executors.events import Emit, StatementFinished, StepFinished, UnitCommitted
from lockgate.executors.failure import Failure, ServerError, StepFailed
from lockgate.executors.ledger.store import FINISH_RUN
from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.executors.mysql.condition import leaves_out
from lockgate.executors.mysql.session import OWN_SETTINGS
from lockgate.executors.mysql.undo.graveyard import Graveyard
from lockgate.executors.mysql.undo.intents import (
    NOTHING,
    Before,
    Intent,
    Reached,
    is_quick,
    prepare_intent,
    read_moving_counters,
    with_result,
)
from lockgate.executors.mysql.undo.journal import JournalRow, UnitJournal
from lockgate.executors.mysql.undo.reached import read_reached, refuse_long_texts
from lockgate.executors.mysql.undo.rights import refuse_unmakable
from lockgate.executors.mysql.undo.statement_runner import Forward
from lockgate.executors.mysql.undo.unit_undo import (
    RolledBack,
    UndoRefused,
    clear_committed,
    forget,
    roll_back,
    sweep,
)
from lockgate.executors.run_errors import unknown_statement
from lockgate.executors.states import UNDER_WAY, Outcome, RunStatus
from lockgate.planner.building.readings import full_reading
from lockgate.planner.errors import Interrupted, Unreachable
from lockgate.planner.plan.plan import Step, Unit
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.reading import Reading
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL

SAVEPOINT = "lockgate_trailing"
IN_GRAVEYARD = frozenset({"deferred", "compensated-by-copy"})
LAST_ONE = "point-of-no-return"
ATTEMPTS = 3  # at an undoing whose connection is lost again and again

Returned = TypeVar("Returned")


@frozen
class Position:
    """Where a unit is: a step by its number, and a statement of it; place 0 is lockgate's own."""

    number: int
    step: Step
    place: int = 0

    @property
    def statement(self) -> PlannedStatement | None:
        """The statement; None when it is lockgate's own work."""
        return self.step.statements[self.place - 1] if self.place else None

    @property
    def key(self) -> tuple[int, int]:
        """As the journal names it."""
        return self.number, self.place


class CompensatedUnit:
    """One unit of a run, from its first statement to the commit point, or back."""

    def __init__(self, engine: MySQL, run: Run, unit: Unit, emit: Emit) -> None:
        self.engine = engine
        self.run_of = run
        self.unit = unit
        self.emit = emit
        self.graveyard = Graveyard(engine.session)
        self.journal = UnitJournal(engine, run.id, unit)
        self.places = _places(unit)
        self.at = Position(unit.first, unit.steps[0])
        self._forward = Forward(engine.session, self.graveyard)
        self._reached: Mapping[tuple[int, int], Reached] = {}
        self.begun = False
        self.lost_to_others = False  # and so may begin again
        self._open = False  # whether the transaction of the trailing statements is
        self._writing = False  # whether one of rows in new tables is
        # What the server has refused as a whole.
        self._refused: tuple[Position, Intent] | None = None
        self._trailing = self._read_trailing()

    @property
    def reading(self) -> Reading | None:
        """What the statement does at which the unit is; None when that is lockgate's own work."""
        return self._effect(self.at) if self.at.statement else None

    @property
    def is_plain(self) -> bool:
        """Whether all of it is one transaction, which the server itself undoes, but for the
        AUTO_INCREMENT counters that it has moved."""
        return all(_guarantee(place) == "transactional" for place in self.places)

    def is_open(self) -> bool:
        """Whether no other executor has ended the unit's run."""
        return (
            self.journal.is_open()
            or self.engine.store.runs.read_status(self.run_of.id) in UNDER_WAY
        )

    def begin(self) -> None:
        """Notes what the unit finds. A crash after it is undone, though nothing has run; of one
        that is plain it leaves nothing."""
        database = self.engine.server.database
        self._reached = read_reached(self.engine.session, self.unit)
        effects = [self._effect(place) for place in self.places]
        counters = read_moving_counters(self.engine.session.observe, database, effects)
        if self.is_plain and not counters:
            self.journal.set_status(RunStatus.APPLYING)
            return
        reached = [self._reached.get(place.key) for place in self.places]
        pairs = zip(effects, reached, strict=True)
        refuse_unmakable(self.engine.session.observe, database, pairs)
        catalogue = read_catalogue(self.engine.session).digests()
        self.begun = True
        self.journal.begin(Before(catalogue=catalogue, counters=counters))
        self._open_graveyard()

    def run(self, serial: int, done: Collection[tuple[int, int]] = ()) -> None:
        """Runs what is not done, up to and with the commit point, and clears the graveyard.

        Raises:
            ServerError: a statement was refused; nothing is undone yet.
            StepFailed, Unresolved: the connection was lost in the commit.
        """
        for number, step in enumerate(self.unit.steps, self.unit.first):
            started = time.monotonic()
            if self.engine.session.stateful and not self._open:
                self._end_writing()
                self.engine.lock.renew()
            for place in range(1, len(step.statements) + 1):
                self.at = Position(number, step, place)
                if self.at.key not in done:
                    self._run_statement(self.at)
            self.emit(StepFinished(number, step, time.monotonic() - started))
        self._commit(serial)
        self.emit(UnitCommitted(self.unit.first, self.unit.first + len(self.unit.steps) - 1))
        clear_committed(self.engine, self.emit)

    def undo(self) -> RolledBack:
        """Rolls the unit back and forgets it, where the database is as before; what is not.

        Raises:
            StepFailed: the server refuses to undo a statement.
            ServerError: it refuses what comes after that.
            Unreachable, Locked: no session was had again.
        """
        try:
            ended = self._persistently(
                lambda: roll_back(self.engine, self.graveyard, self.journal, self.emit)
            )
        except UndoRefused as refused:
            place = self._place_of(refused.record)
            raise StepFailed(
                Failure(place.number, place.step, place.place, place.statement, refused.error)
            ) from refused
        if not ended.left:
            status = RunStatus.ROLLED_BACK if self.unit.first == 1 else RunStatus.STOPPED
            status = RunStatus.APPLYING if self.lost_to_others else status
            self._persistently(lambda: forget(self.engine, self.graveyard, self.journal, status))
        return ended

    def last_one(self) -> tuple[Position, JournalRow] | None:
        """The point of no return, when it was begun."""
        _, records = self.journal.read()
        for record in records:
            place = self._place_of(record)
            if _guarantee(place) == LAST_ONE:
                return place, record
        return None

    def take_up(self) -> frozenset[tuple[int, int]]:
        """The statements that an interrupted unit has done; the others may run.

        Raises:
            Unresolved: it is not known whether a statement is done.
        """
        _, records = self.journal.read()
        done = [record for record in records if self._is_done(record)]
        again = [record for record in records if record not in done]
        sweep(self.engine, self.graveyard, [name for one in again for name in one.intent.aids])
        for record in again:
            self.journal.forget(record.step, record.place)
        for record in done:
            self.journal.note(record.step, record.place, Outcome.DONE)
        self._open_graveyard()
        return frozenset((record.step, record.place) for record in done)

    def done_of(self, place: Position) -> tuple[int, ...]:
        """The statements of a step that are noted as done."""
        _, records = self.journal.read()
        return tuple(
            r.place for r in records if r.step == place.number and r.outcome == Outcome.DONE
        )

    def has_happened(self, record: JournalRow) -> bool | None:
        """Whether a statement took effect, by its outcome or by a look at the database."""
        if record.outcome in (Outcome.DONE, Outcome.UNDOING):
            return True if record.outcome == Outcome.DONE else None
        if record.intent.writes_rows:  # of the last one, a rollback does not take back all
            return None if _guarantee(self._place_of(record)) == LAST_ONE else False
        return self._forward.has_happened(record.intent, self._effect(self._place_of(record)))

    def forget_refused(self) -> None:
        """Takes back the intent of the statement that the server has refused as a whole; its rows
        are rolled back. Where there are copies for it, it stays noted until these are swept."""
        if self._refused is None:
            return
        place, intent = self._refused
        if intent.leftovers:
            self.journal.note(*place.key, Outcome.UNDONE)
        else:
            self.journal.forget(*place.key)

    def _run_statement(self, at: Position) -> None:
        statement = at.statement
        assert statement is not None
        self._settle(at, statement)
        if leaves_out(self.engine.session, at.number, at.step, at.place, self.emit):
            return
        if not self._effect(at).keeps_session:
            self.engine.session.stateful = True
        started = time.monotonic()
        rows = self._way(statement)(at, statement)
        seconds = time.monotonic() - started
        self.emit(StatementFinished(at.number, at.step, at.place, statement, rows, seconds))

    def _way(self, statement: PlannedStatement) -> Callable[[Position, PlannedStatement], int]:
        ways = {"transactional": self._run_plain, "implied": self._run_implied}
        return ways.get(statement.guarantee, self._run_journaled)

    def _run_plain(self, at: Position, statement: PlannedStatement) -> int:
        """What leaves nothing, or is one of the last transaction's statements."""
        if at.key in self._trailing and self._effect(at).verb != "set":
            self._begin_transaction()
        return self.engine.session.run_statement(statement.sql)

    def _run_journaled(self, at: Position, statement: PlannedStatement) -> int:
        """A crash at any place in here leaves an intent from which the statement is undone."""
        self._end_writing()
        effect = self._effect(at)
        label = f"{self.run_of.id[:8]}_{at.number}_{at.place}"
        observe = self.engine.session.observe
        if statement.guarantee == "compensated":
            refuse_long_texts(observe, self.engine.server.database, effect)
        reached = self._reached.get(at.key, NOTHING)
        intent = prepare_intent(observe, self.graveyard, effect, statement, label, reached)
        self.journal.intend(*at.key, statement.digest, intent)
        if self._forward.prepare(intent):
            self.journal.note(*at.key, Outcome.COPIED)
        if not intent.writes_rows:
            rows = self._attempt(at, effect, intent)
            database = self.engine.server.database
            self.journal.note_done(*at.key, with_result(observe, database, intent))
            self._settle(at, statement)
            return rows
        self.engine.session.execute("start transaction")
        self.engine.store.close_tables()
        rows = self._attempt(at, effect, intent)
        self.journal.note_in_transaction(*at.key)
        self.engine.session.execute("commit")
        return rows

    def _settle(self, at: Position, statement: PlannedStatement) -> None:
        if not is_quick(statement, self._effect(at), self._reached.get(at.key, NOTHING)):
            self.journal.settle()

    def _attempt(self, at: Position, effect: Reading, intent: Intent) -> int:
        """Runs a statement. To bury a table takes several, of which some may be done."""
        assert at.statement is not None
        try:
            return self._forward.run(at.statement.sql, effect, intent)
        except ServerError:
            if not intent.graves and self._is_atomic(at):
                self._refused = at, intent
            raise

    def _is_atomic(self, place: Position) -> bool:
        assert place.statement is not None
        effect = self._effect(place)
        return effect.is_rows_only or effect.fails_whole

    def _run_implied(self, at: Position, statement: PlannedStatement) -> int:
        """Rows that go with what this unit has made: neighbours share a transaction, and their
        intents are in it, so that a crash leaves both or neither."""
        if not self._writing:
            self.engine.session.execute("start transaction")
            self.engine.store.close_tables()
            self._writing = True
        rows = self.engine.session.run_statement(statement.sql)
        self.journal.write_done(*at.key, statement.digest, Intent(verb="write", writes_rows=True))
        return rows

    def _end_writing(self) -> None:
        if self._writing:
            self.engine.session.execute("commit")
            self._writing = False

    def _begin_transaction(self) -> None:
        self._end_writing()
        if not self._open:
            self.engine.session.execute("start transaction")
            self.engine.store.close_tables()
            self.engine.session.execute(f"savepoint {SAVEPOINT}")
            self._open = True

    def _commit(self, serial: int) -> None:
        """The commit point. A crash before it is undone; after it, the unit is kept."""
        self.at = Position(self.unit.first + len(self.unit.steps) - 1, self.unit.steps[-1])
        commit = commit_of(self.run_of, self.unit, serial)
        self._begin_transaction()
        if self.engine.session.stateful:
            self.engine.session.execute(OWN_SETTINGS)
        self.engine.store.move_history(self.unit.steps, serial)
        _, records = self.journal.read()
        self.journal.commit(leftovers=any(record.intent.leftovers for record in records))
        if commit.ends_run:
            finished = (RunStatus.COMMITTED, "", self.run_of.id)
            self.engine.store.execute(FINISH_RUN, finished)
        self.engine.lock.refuse_lost()
        # Refused if it is not ours any more.
        self.engine.session.execute(f"release savepoint {SAVEPOINT}")
        self._open = False
        try:
            self.engine.session.execute("commit")
        except Unreachable as lost:
            settle_commit(self.engine, commit, lost, self.emit)

    def _persistently(self, work: Callable[[], Returned]) -> Returned:
        """Does what is to be done whatever comes; a signal comes once, a loss several times."""
        for _ in range(ATTEMPTS):
            try:
                return work()
            except Interrupted:
                self.engine.lock.end_session()
            except Unreachable:
                reconnect(self.engine, self.emit)
        return work()

    def _read_trailing(self) -> frozenset[tuple[int, int]]:
        """The statements after the last one that a transaction does not undo, or that ends one."""
        trailing: list[tuple[int, int]] = []
        for place in reversed(self.places):
            if _guarantee(place) != "transactional" or "autocommit" in self._effect(place).settings:
                break
            trailing.append(place.key)
        return frozenset(trailing)

    def _is_done(self, record: JournalRow) -> bool:
        happened = record.outcome != Outcome.UNDONE and self.has_happened(record)
        if happened is None:
            place = self._place_of(record)
            raise self.engine.store.stuck(self.run_of, unknown_statement(place.step, record.place))
        return happened

    def _open_graveyard(self) -> None:
        if any(_guarantee(place) in IN_GRAVEYARD for place in self.places):
            self.graveyard.open()

    def _effect(self, place: Position) -> Reading:
        assert place.statement is not None
        return full_reading(place.statement, self.engine.server.dialect)

    def _place_of(self, record: JournalRow) -> Position:
        return Position(record.step, self.unit.steps[record.step - self.unit.first], record.place)


def _places(unit: Unit) -> tuple[Position, ...]:
    """Every statement of a unit, in running order."""
    return tuple(
        Position(number, step, place)
        for number, step in enumerate(unit.steps, unit.first)
        for place in range(1, len(step.statements) + 1)
    )


def _guarantee(place: Position) -> str:
    return place.statement.guarantee if place.statement else ""
