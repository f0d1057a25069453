"""Running of a plan's steps on MySQL and MariaDB, whose DDL commits by itself.

Each statement is journaled. A statement that can be rolled back, its journal rows and, at the
end, the history's row are one transaction; a statement that commits by itself makes its intent
durable as it begins, since the server commits before it runs DDL:
https://dev.mysql.com/doc/refman/9.7/en/implicit-commit.html
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from lockgate.executors.commit_outcome import Commit, settle_commit
from lockgate.executors.engine import Journal, Run
from lockgate.executors.events import Emit, StatementFinished, StepFinished, UnitCommitted
from lockgate.executors.failure import Failure, ServerError, StepFailed
from lockgate.executors.ledger.store import (
    FINISH_RUN,
    FORGET_INTENT,
    FORGET_STEP,
    NOTE_DONE,
)
from lockgate.executors.lock import lost_lock
from lockgate.executors.mysql.condition import leaves_out
from lockgate.executors.mysql.lock import OWN_LOCK
from lockgate.executors.mysql.online.copying import copy_table
from lockgate.executors.mysql.online.settling import (
    refuse_remains,
    refuse_taken_names,
    refuse_unchanged,
    settle_copy,
)
from lockgate.executors.mysql.session import NO_SAVEPOINT, OWN_SETTINGS
from lockgate.executors.mysql.undo.counters import CounterNotes, give_back_counters
from lockgate.executors.mysql.undo.unknown_outcomes import read_image, settle_outcomes
from lockgate.executors.run_errors import gone_state, half_unlocked, unknown_statement
from lockgate.executors.states import RunStatus
from lockgate.planner.building.readings import full_reading
from lockgate.planner.errors import Interrupted, Locked, LockgateError, Unreachable, Unresolved
from lockgate.planner.plan.plan import Step, Unit
from lockgate.planner.plan.statement import PlannedStatement

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL

SAVEPOINT = "lockgate_before_statement"

# An intent is written only by who holds the lock.
INTEND = (
    "insert into {journal} (run_id, step, statement, digest, intent_at, image) "
    f"select %s, %s, %s, %s, current_timestamp(6), nullif(%s, '') from dual "
    f"where {OWN_LOCK} and {{ledger.alone}}"
)
OUTCOMES = (
    "select statement, outcome from {journal} {plain} "
    "where run_id = %s and step = %s and statement > 0"
)


def run_step(
    engine: MySQL, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
) -> None:
    """Runs a step's statements one by one and records the step.

    A crash leaves the statements that the journal has as done, and perhaps the one whose
    intent it has; trailing statements that can be rolled back are.

    Raises:
        StepFailed: the server refused a statement, or the connection was lost; says which
            statements are kept.
        Unresolved: the connection was lost, and what is kept cannot be seen.
    """
    (step,) = unit.steps
    started = time.monotonic()
    if journal and unit.copies:
        refuse_remains(engine, run, step)
    outcomes = settle_outcomes(engine, run.id, unit.first, step) if journal else {}
    done = {place for place, outcome in outcomes.items() if outcome}
    for place in sorted(outcomes.keys() - done):
        raise engine.store.stuck(run, unknown_statement(step, place))
    section = _Section(engine, run, unit.first, step, emit)
    try:
        section.run(done, serial)
    except Interrupted:
        section.interrupt()
        raise
    except Unreachable as lost:
        raise section.say_lost(lost) from lost
    except Locked as lost:
        raise section.say_unlocked(lost) from lost
    except ServerError as error:  # of the journal
        raise _unknown_end(f"Migration {step.version} has stopped", error) from error
    emit(StepFinished(unit.first, step, time.monotonic() - started))
    emit(UnitCommitted(unit.first, unit.first))


class _Section:
    """A section under way: whether its transaction is open, and where it is."""

    def __init__(self, engine: MySQL, run: Run, number: int, step: Step, emit: Emit) -> None:
        self.engine = engine
        self.run_id = run.id
        self.is_last = number == len(run.plan.steps)
        self.number = number
        self.step = step
        self.emit = emit
        self.open = False
        self.tentative: list[int] = []  # what the open transaction holds
        self.counters = CounterNotes(engine, run.id, number)
        self.place = 0
        self.statement: PlannedStatement | None = None
        self._read = partial(full_reading, dialect=engine.server.dialect)

    def run(self, done: set[int], serial: int) -> None:
        """Runs what is not done, and records the step."""
        if self.engine.session.stateful:
            self.engine.lock.renew()
        if len(done) < len(self.step.statements):
            self._restore(done)
        for place, statement in enumerate(self.step.statements, 1):
            if place not in done:
                self._run_statement(place, statement)
        self._record(serial)

    def interrupt(self) -> None:
        """Ends what runs, so that the open transaction is rolled back, and settles the rest.

        Raises:
            Unresolved: the server could not be asked.
        """
        try:
            self._settle()
        except (Unreachable, Locked, ServerError) as error:
            raise _unknown_end("Interrupted", error) from error

    def say_lost(self, lost: Unreachable) -> Exception:
        """What a lost connection means, by what a new one finds in the journal."""
        try:
            outcomes = self._settle()
        except (Unreachable, Locked, ServerError) as error:
            return _unknown_end(lost.what.rstrip("."), error)
        return self._failure(ServerError(self.engine.session.lost_code, lost.what), outcomes)

    def say_unlocked(self, lost: Locked) -> LockgateError:
        """What a lost lock means: nothing more is written, and the journal tells of the rest."""
        outcomes: dict[int, str | None] = {}
        with suppress(Unreachable, ServerError):
            self.engine.session.execute("rollback")
            outcomes = self._outcomes()
        if not outcomes:
            return lost
        return half_unlocked(lost, self.step, sorted(outcomes))

    def _settle(self) -> dict[int, str | None]:
        """Ends the session; what the journal and a look say of the statements that were begun."""
        self.engine.lock.end_session()
        give_back_counters(self.engine)
        return settle_outcomes(self.engine, self.run_id, self.number, self.step)

    def _restore(self, done: set[int]) -> None:
        """Sets again in this session what the statements that are done had set in theirs."""
        for place, statement in enumerate(self.step.statements, 1):
            reading = self._read(statement)
            if place not in done or reading.keeps_session:
                continue
            self.engine.session.stateful = True
            if reading.leaves == "settings":
                self._repeat(place, statement)
            elif reading.leaves == "unknown":
                raise gone_state(self.step, place, "its session has ended")

    def _repeat(self, place: int, statement: PlannedStatement) -> None:
        try:
            self.engine.session.run_statement(statement.sql)
        except ServerError as error:
            raise gone_state(self.step, place, str(error)) from error

    def _run_statement(self, place: int, statement: PlannedStatement) -> None:
        """Runs one statement; a crash in it leaves its intent, if it commits by itself."""
        self.place, self.statement = place, statement
        if leaves_out(self.engine.session, self.number, self.step, place, self.emit):
            return
        if not self._read(statement).keeps_session:
            self.engine.session.stateful = True
        started = time.monotonic()
        try:
            rows = self._execute(place, statement)
        except ServerError as error:
            raise self._refused(error) from error
        try:
            self._note_done(place)
        except ServerError as error:
            raise self._failed(error) from error
        seconds = time.monotonic() - started
        self.emit(StatementFinished(self.number, self.step, place, statement, rows, seconds))

    def _execute(self, place: int, statement: PlannedStatement) -> int:
        effect = self._read(statement)
        if statement.online:
            return self._copy(place, statement)
        if self._is_setting and not self.open:  # some are refused in a transaction
            rows = self.engine.session.run_statement(statement.sql)
            self._begin()
            self._intend(place, statement)
            self.engine.session.execute(f"savepoint {SAVEPOINT}")
            return rows
        self._begin()
        self._intend(place, statement, read_image(self.engine, statement, effect))
        self.counters.add(place, effect)
        self.engine.session.execute(f"savepoint {SAVEPOINT}")
        return self.engine.session.run_statement(statement.sql)

    def _copy(self, place: int, statement: PlannedStatement) -> int:
        """Has a program do it. The intent is durable before, and a crash leaves it: then a look
        tells whether the copy has taken the table's place."""
        assert statement.online is not None
        refuse_taken_names(self.engine.session, statement.online)
        image = read_image(self.engine, statement, self._read(statement))
        self._begin()
        self._intend(place, statement, image)
        self.engine.session.execute("commit")
        self.open = False
        self.tentative.clear()
        copy_table(self.engine, statement.online, self.number, self.step, self.emit)
        refuse_unchanged(self.engine, self.run_id, self.number, self.step)
        return 0

    def _note_done(self, place: int) -> None:
        """Journals that a statement is done; its intent is gone if it rolled back by itself."""
        self.open = self._savepoint_is_there()
        if not self._write(NOTE_DONE, self._key(place)):
            raise self._vanished()
        self._keep()

    def _begin(self) -> None:
        if not self.open:
            self.engine.session.execute("start transaction")
            self.open = True

    def _intend(self, place: int, statement: PlannedStatement, image: str = "") -> None:
        self.tentative.append(place)
        values = (*self._key(place), statement.digest, image, *self.engine.lock.proof())
        if self._write(INTEND, values) != 1:
            raise lost_lock()

    def _savepoint_is_there(self) -> bool:
        """Whether the statement left our transaction open: observed, not guessed."""
        try:
            self.engine.session.execute(f"release savepoint {SAVEPOINT}")
        except ServerError as error:
            if error.code != NO_SAVEPOINT:
                raise
            return False
        return True

    def _keep(self) -> None:
        """Makes the outcome of a statement durable that cannot be rolled back any more.

        A crash before leaves it unknown, or, of a global setting, not noted: then it is set
        again. Autocommit may be off, so it is not enough.
        """
        alone = self._is_setting and self.tentative == [self.place]
        if not self.open or alone or self._is_lasting():
            self.engine.session.execute("commit")
            self.open = False
            self.tentative.clear()
            self.counters.close()

    @property
    def _is_setting(self) -> bool:
        """Whether the statement changes the session alone; it may be run again."""
        if self.statement is None:
            return False
        reading = self._read(self.statement)
        return (reading.verb, reading.kind) == ("set", "set")

    def _is_lasting(self) -> bool:
        """Whether no rollback takes the statement back, though it left the transaction open."""
        if self.statement is None:
            return False
        reading = self._read(self.statement)
        return (reading.verb, reading.kind, reading.commits) == ("other", "set", "itself")

    def _record(self, serial: int) -> None:
        """The history's row, in the transaction of the trailing statements.

        A crash in the commit leaves all of that transaction, or nothing of it.
        """
        self.place, self.statement = 0, None
        try:
            self._begin()
            if self.engine.session.stateful:
                self.engine.session.execute(OWN_SETTINGS)
            self.engine.store.move_history([self.step], serial)
            self._write(FORGET_STEP, (self.run_id, self.number))
            if self.is_last:
                self._write(FINISH_RUN, (RunStatus.COMMITTED, "", self.run_id))
            self.engine.lock.refuse_lost()
            self._commit(serial)
        except ServerError as error:
            raise self._failed(error) from error

    def _commit(self, serial: int) -> None:
        try:
            self.engine.session.execute("commit")
        except Unreachable as lost:
            commit = Commit(self.run_id, self.number, (self.step,), serial, self.is_last)
            settle_commit(self.engine, commit, lost, self.emit)

    def _refused(self, error: ServerError) -> StepFailed:
        """The failure of a statement that the server has refused."""
        doubtful = self._undo()
        if self.statement and self.statement.online:
            settle_copy(self.engine, self.run_id, self.number, self.step)
        elif self._is_atomic():  # its intent is still there when it had committed
            self._write(FORGET_INTENT, self._key(self.place))
        self._doubt(doubtful)
        return self._failure(error, self._outcomes())

    def _failed(self, error: ServerError) -> StepFailed:
        """The failure of what lockgate itself does after a statement."""
        self._doubt(self._undo())
        return self._failure(error, self._outcomes())

    def _vanished(self) -> StepFailed:
        """The failure of a statement that did away with the transaction, and went on."""
        doubtful = self._undo()
        self._doubt(doubtful if self._is_atomic() else [*doubtful, self.place])
        error = ServerError(NO_SAVEPOINT, "It rolled back the transaction that lockgate runs")
        return self._failure(error, self._outcomes())

    def _undo(self) -> list[int]:
        """Rolls back; which statements may have kept something in spite of it.

        What the section has set could hinder us, so a new session cleans up.
        """
        whole = True
        with suppress(ServerError, Unreachable):  # the session's end rolls back as well
            whole = self.engine.session.roll_back()
        self.engine.lock.renew()
        give_back_counters(self.engine)
        return [] if whole else self.tentative

    def _is_atomic(self) -> bool:
        return self.statement is not None and self._read(self.statement).fails_whole

    def _doubt(self, places: list[int]) -> None:
        """Leaves in the journal that it is not known whether these statements are done."""
        known = self._outcomes() if places else {}
        for place in set(places) - known.keys():
            self._intend(place, self.step.statements[place - 1])

    def _failure(self, error: ServerError, outcomes: dict[int, str | None]) -> StepFailed:
        failure = Failure(self.number, self.step, self.place, self.statement, error)
        kept = tuple(sorted(place for place in outcomes if outcomes[place]))
        return StepFailed(failure, kept, unsure=len(kept) < len(outcomes))

    def _outcomes(self) -> dict[int, str | None]:
        return dict(self.engine.store.query_all(OUTCOMES, (self.run_id, self.number)))

    def _key(self, place: int) -> tuple[object, ...]:
        return self.run_id, self.number, place

    def _write(self, sql: str, values: tuple[object, ...]) -> int:
        return self.engine.store.execute(sql, values)


def _unknown_end(what: str, error: LockgateError | ServerError) -> Unresolved:
    """The error of a run whose end the server could not be asked for."""
    return Unresolved(
        f"{what}, and what the server has kept cannot be seen: {error}",
        why="The last statement may still run on the server.",
        do="See `migrate status`, and run the same command again: it looks first, and does "
        "only what was not done.",
    )
