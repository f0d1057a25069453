"""Running of a plan's units on PostgreSQL: as one transaction, or statement by statement."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from executors.concurrent_index import find_build
from executors.engine import Journal, Run
from executors.events import Emit, Retried, StatementFinished, StepFinished, UnitCommitted
from executors.failure import Failure, ServerError, StepFailed
from executors.pipeline import Command, CommandFailed, OnSilence, Outcome
from executors.polling import delays
from executors.store import (
    FINISH_RUN,
    FORGET_INTENT,
    FORGET_STEP,
    INTEND,
    NOTE_DONE,
    lost_lock,
    unknown_outcome,
)
from planner.errors import Unreachable
from planner.plan import PlannedStatement, Step, Unit

if TYPE_CHECKING:
    from executors.postgresql import PostgreSQL

LOCK_NOT_AVAILABLE = "55P03"

# A section may have left a role that must not write the journal, or limits too short for it.
OWN_WAY = (
    "set local session authorization default", "set local role to default",
    "set local statement_timeout = 0", "set local lock_timeout = 0",
)  # fmt: skip

# What may stay half done outside of a transaction. A failed build leaves an invalid index:
# https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
# Procedures and DO blocks may commit: https://www.postgresql.org/docs/current/sql-call.html
CONCURRENT = re.compile(r"(create|drop|reindex)\b.*\bconcurrently\b", re.IGNORECASE | re.DOTALL)
COMMITTING = re.compile(
    r"call\b|do\b.*\b(commit|call)\b|alter\b.*\bconcurrently\b", re.IGNORECASE | re.DOTALL
)
# What a step that goes on must set again.
SETTING = re.compile(
    r"(set|reset)\b(?!\s+(local|constraints|transaction)\b)|select\s+(pg_catalog\.)?set_config\(",
    re.IGNORECASE,
)
INVALID_INDEXES = "select 1 from pg_index where not indisvalid"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where in a plan a command belongs. Place 0 is lockgate's own, without a statement.

    `guards` says that it must find one row, or this executor has lost the lock.
    """

    number: int
    step: Step
    place: int = 0
    statement: PlannedStatement | None = None
    guards: bool = False
    ends_step: bool = False


def run_transaction(session: PostgreSQL, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """Runs a unit as one transaction; again from its begin when only a lock was not had.

    A crash before the commit leaves nothing: the server rolls back.

    Raises:
        StepFailed: the server refused a statement; the whole unit was rolled back.
        Unresolved: the connection was lost in the commit.
    """
    attempts = zip(range(1, session.lock_retries + 1), delays(), strict=False)
    while True:
        try:
            with session.watching(emit) as watch:
                _run_once(session, run, unit, serial, emit, watch)
            return
        except StepFailed as failed:
            attempt, delay = next(attempts, (0, 0.0))
            if failed.failure.error.code != LOCK_NOT_AVAILABLE or not attempt:
                raise
            emit(Retried(attempt, delay, f"{failed.failure}{_named(watch.blockers)}"))
            time.sleep(delay)


def _run_once(
    session: PostgreSQL, run: Run, unit: Unit, serial: int, emit: Emit, watch: OnSilence
) -> None:
    own = Mark(unit.first, unit.steps[0])
    commands = _transaction(session, run, unit, serial, own)
    try:
        _read(session.pipelined(commands, watch), emit)
        _commit(session, own)
    except CommandFailed as failed:
        session.roll_back()
        raise _step_failed(failed, watch) from failed
    emit(UnitCommitted(unit.first, unit.first + len(unit.steps) - 1))


def _transaction(
    session: PostgreSQL, run: Run, unit: Unit, serial: int, own: Mark
) -> Iterator[Command[Mark]]:
    """All of a unit's transaction but its end, which is sent when the rest is known good."""
    yield Command("begin", own, report=True)  # so that the first statement has its own time
    for number, step in enumerate(unit.steps, unit.first):
        for place, statement in enumerate(step.statements, 1):
            yield _command(Mark(number, step, place, statement))
        yield from _end_of_step(session, Mark(number, step), serial + number - unit.first)
        if any("advisory" in statement.sql.lower() for statement in step.statements):
            yield session.unlock_command(Mark(number, step))
    yield from _end_of_unit(session, run, unit)


def _command(mark: Mark) -> Command[Mark]:
    assert mark.statement is not None
    sql, rows = mark.statement.sql, mark.statement.copy_data
    return Command(sql, mark, report=True, copy_data=rows)


def _end_of_step(session: PostgreSQL, mark: Mark, serial: int) -> Iterator[Command[Mark]]:
    """The session as it was before the step, and the step's row in the history."""
    yield from session.reset_commands(mark)
    guarding = Mark(mark.number, mark.step, guards=True, ends_step=True)
    yield session.record_command(mark.step, serial, guarding)


def _end_of_unit(session: PostgreSQL, run: Run, unit: Unit) -> Iterator[Command[Mark]]:
    last = Mark(unit.first + len(unit.steps) - 1, unit.steps[-1])
    yield session.unlock_command(last)
    if last.number == len(run.plan.steps):
        yield session.own_command(FINISH_RUN, ("COMMITTED", "", run.id), last)
    yield session.proof_command(Mark(last.number, last.step, guards=True))


def _read(outcomes: Iterable[Outcome[Mark]], emit: Emit) -> None:
    """Tells of each outcome.

    Raises:
        Locked: a guard found nothing; said after the last outcome was read.
    """
    guarded = True
    seconds = 0.0
    for outcome in outcomes:
        mark = outcome.command.tag
        seconds += outcome.seconds
        guarded = guarded and (outcome.rows == 1 or not mark.guards)
        if mark.statement:
            emit(
                StatementFinished(
                    mark.number, mark.step, mark.place, mark.statement, outcome.rows,
                    outcome.seconds,
                )
            )  # fmt: skip
        elif mark.ends_step:
            emit(StepFinished(mark.number, mark.step, seconds))
            seconds = 0.0
    if not guarded:
        raise lost_lock()


def _commit(session: PostgreSQL, own: Mark) -> None:
    """A crash here leaves all or nothing, and the history says which.

    Raises:
        CommandFailed: a deferred constraint; the server has rolled back.
        Unresolved: the connection was lost.
    """
    try:
        _read(session.pipelined([Command("commit", own)]), lambda event: None)
    except Unreachable as lost:
        raise unknown_outcome(lost) from lost


def run_outside(
    session: PostgreSQL, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
) -> None:
    """Runs a step's statements one by one, each journaled before and after.

    A crash leaves the statements that the journal has as done, and perhaps the one after
    them; applying the plan again goes on behind the last that is known.

    Raises:
        StepFailed: the server refused a statement; says which are kept.
        Unresolved: the connection was lost, and one statement's outcome is unknown.
    """
    (step,) = unit.steps
    done = journal.outcomes if journal else {}
    for place, statement in enumerate(step.statements, 1):
        if done.get((unit.first, place)) != "done":
            _run_journaled(session, run, Mark(unit.first, step, place, statement), emit)
        elif SETTING.match(statement.sql):  # of a session that is gone
            session.execute(statement.sql)
    own = Mark(unit.first, step)
    ending = [
        Command("begin read write", own),
        *(Command(sql, own) for sql in OWN_WAY),
        *_end_of_step(session, own, serial),
        session.own_command(FORGET_STEP, (run.id, unit.first), own),
        *_end_of_unit(session, run, unit),
    ]
    try:
        _read(session.pipelined(ending), emit)
        _commit(session, own)
    except CommandFailed as failed:
        session.roll_back()
        session.transact(session.reset_commands(None))
        raise _step_failed(failed, kept=session.kept(run.id, unit.first)) from failed
    emit(UnitCommitted(unit.first, unit.first))


def _run_journaled(session: PostgreSQL, run: Run, mark: Mark, emit: Emit) -> None:
    assert mark.statement is not None
    place = (run.id, mark.number, mark.place)
    build = find_build(mark.statement.sql, session)
    _journal(session, INTEND, (*place, mark.statement.digest))
    try:
        if build:
            build.drop_invalid(session)
        with session.watching(emit) as watch, _patiently(session, mark):
            outcomes = list(session.pipelined([_command(mark)], watch))  # and kept, by its end
    except CommandFailed as failed:
        session.transact(session.reset_commands(None))
        if build:
            build.drop_invalid(session)
        unsure = _may_be_half_done(session, mark.statement.sql)
        if not unsure:
            _journal(session, FORGET_INTENT, place)
        kept = session.kept(run.id, mark.number)
        raise _step_failed(failed, watch, kept, unsure) from failed
    _journal(session, NOTE_DONE, place)
    _read(outcomes, emit)


@contextmanager
def _patiently(session: PostgreSQL, mark: Mark) -> Iterator[None]:
    """Without a lock timeout for what runs CONCURRENTLY: it blocks nobody while it waits, and
    it waits for every old transaction, at its end too, when all the work would be lost."""
    sql = mark.statement.sql if mark.statement else ""
    own = any("lock_timeout" in statement.sql.lower() for statement in mark.step.statements)
    if own or not CONCURRENT.match(sql):
        yield
        return
    session.execute("set lock_timeout = 0")
    yield
    session.execute(f"set lock_timeout = {session.lock_timeout * 1000:.0f}")


def _may_be_half_done(session: PostgreSQL, sql: str) -> bool:
    """Whether a refused statement may have kept a part of its work."""
    if CONCURRENT.match(sql):
        return session.query_one(INVALID_INDEXES) is not None
    return COMMITTING.match(sql) is not None


def _journal(session: PostgreSQL, sql: str, values: tuple[object, ...]) -> None:
    session.transact(
        [*(Command(own, None) for own in OWN_WAY), session.own_command(sql, values, None)]
    )


def _step_failed(
    failed: CommandFailed[Mark],
    watch: OnSilence | None = None,
    kept: tuple[int, ...] = (),
    unsure: bool = False,
) -> StepFailed:
    mark, error = failed.command.tag, failed.error
    blockers = getattr(watch, "blockers", ())
    if blockers and error.code == LOCK_NOT_AVAILABLE:
        error = ServerError(
            error.code, error.message, detail=f"Blocked{_named(blockers)}",
            hint=error.hint, position=error.position,
        )  # fmt: skip
    failure = Failure(mark.number, mark.step, mark.place, mark.statement, error)
    return StepFailed(failure, kept, unsure)


def _named(blockers: Iterable[object]) -> str:
    return "".join(f" by {blocker}" for blocker in blockers)
