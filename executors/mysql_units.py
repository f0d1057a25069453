"""Running of a plan's steps on MySQL and MariaDB, whose DDL commits by itself.

Each statement is journaled. A statement that can be rolled back, its journal rows and, at the
end, the history's row are one transaction; a statement that commits by itself makes its intent
durable as it begins, since the server commits before it runs DDL:
https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from executors.engine import Journal, Run
from executors.events import Emit, StatementFinished, StepFinished, UnitCommitted
from executors.failure import Failure, ServerError, StepFailed
from executors.store import (
    FINISH_RUN,
    FORGET_INTENT,
    FORGET_STEP,
    INTEND,
    NOTE_DONE,
    unknown_outcome,
)
from planner.errors import Interrupted, Unreachable
from planner.plan import PlannedStatement, Step, Unit

if TYPE_CHECKING:
    from executors.mysql import MySQL

NO_SAVEPOINT = "1305"

# Statements that leave nothing in the session; after others the session is replaced.
STATELESS = re.compile(r"(create|alter|drop|rename|truncate)\s+(?!temporary)", re.IGNORECASE)


def run_step(
    session: MySQL, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
) -> None:
    """Runs a step's statements one by one and records the step.

    A crash leaves the statements that the journal has as done, and perhaps the one whose
    intent it has; trailing statements that can be rolled back are.

    Raises:
        StepFailed: the server refused a statement; says which are kept.
        Unresolved: the connection was lost in the commit.
    """
    (step,) = unit.steps
    started = time.monotonic()
    done = journal.outcomes if journal else {}
    section = _Section(session, run, unit.first, step, emit)
    try:
        for place, statement in enumerate(step.statements, 1):
            if done.get((unit.first, place)) != "done":
                section.run_statement(place, statement)
        section.record(serial)
        section.commit()
    except Interrupted:
        session.end_session()
        raise
    emit(StepFinished(unit.first, step, time.monotonic() - started))
    emit(UnitCommitted(unit.first, unit.first))
    if not all(STATELESS.match(statement.sql) for statement in step.statements):
        session.renew()


class _Section:
    """A section under way: whether its transaction is open, and where it is."""

    def __init__(self, session: MySQL, run: Run, number: int, step: Step, emit: Emit) -> None:
        self.session = session
        self.run = run
        self.number = number
        self.step = step
        self.emit = emit
        self.open = False

    def run_statement(self, place: int, statement: PlannedStatement) -> None:
        """Runs one statement; a crash in it leaves its intent, if it commits by itself."""
        at = (self.run.id, self.number, place)
        self._ensure_transaction()
        self._write(INTEND, (*at, statement.digest))
        self.session.execute("savepoint lockgate")
        started = time.monotonic()
        try:
            rows = self.session.execute(statement.sql)
        except ServerError as error:
            raise self._failed(place, statement, error) from error
        seconds = time.monotonic() - started
        self.open = self._savepoint_is_there()
        if self.open:
            self._write(NOTE_DONE, at)
        else:  # in a transaction of its own, so that the outcome is known from now on
            self.session.execute("start transaction")
            self._write(NOTE_DONE, at)
            self.session.execute("commit")
        self.emit(StatementFinished(self.number, self.step, place, statement, rows, seconds))

    def record(self, serial: int) -> None:
        """The history's row, in the transaction of the trailing statements."""
        self._ensure_transaction()
        try:
            self.session.move_history(self.step, serial)
            self._write(FORGET_STEP, (self.run.id, self.number))
            if self.number == len(self.run.plan.steps):
                self._write(FINISH_RUN, ("COMMITTED", "", self.run.id))
            self.session.prove_lock()
        except ServerError as error:
            raise self._failed(0, None, error) from error
        except BaseException:
            with suppress(Unreachable, ServerError):
                self.session.execute("rollback")
            raise

    def commit(self) -> None:
        """A crash here leaves the step's trailing statements and its row, or neither."""
        try:
            self.session.execute("commit")
        except Unreachable as lost:
            raise unknown_outcome(lost) from lost

    def _failed(
        self, place: int, statement: PlannedStatement | None, error: ServerError
    ) -> StepFailed:
        """The failure, after the open transaction was rolled back."""
        self.session.execute("rollback")
        unsure = bool(statement and self.session.is_in_doubt(statement.sql))
        if not unsure:
            self._write(FORGET_INTENT, (self.run.id, self.number, place))
        kept = self.session.kept(self.run.id, self.number)
        failure = Failure(self.number, self.step, place, statement, error)
        return StepFailed(failure, kept, unsure)

    def _ensure_transaction(self) -> None:
        if not self.open:
            self.session.execute("start transaction")
            self.open = True

    def _savepoint_is_there(self) -> bool:
        """Whether the statement left our transaction open: observed, not guessed."""
        try:
            self.session.execute("release savepoint lockgate")
        except ServerError as error:
            if error.code != NO_SAVEPOINT:
                raise
            return False
        return True

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        self.session.execute(self.session.named(sql), values)
