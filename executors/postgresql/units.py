"""Running of a plan's units on PostgreSQL: as one transaction, or statement by statement."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from executors.commit_outcome import Commit, commit_of, settle_commit
from executors.endings import gone_state, half_unlocked
from executors.engine import Journal, Row, Run
from executors.events import (
    Emit,
    Retried,
    Session,
    StatementFinished,
    StepFinished,
    UnitCommitted,
)
from executors.failure import Failure, ServerError, StepFailed
from executors.polling import delays
from executors.postgresql.commit import SHOW_TRANSACTION
from executors.postgresql.concurrent_index import ConcurrentBuild, find_build, happened
from executors.postgresql.pipeline import Command, CommandFailed, Outcome
from executors.postgresql.session import PostgreSQLSession
from executors.postgresql.session_state import left_by
from executors.postgresql.watch import Watch
from executors.store import (
    FINISH_RUN,
    FORGET_INTENT,
    FORGET_STEP,
    NOTE_DONE,
    lost_lock,
)
from planner.errors import Locked, LockgateError, Unreachable
from planner.plan import PlannedStatement, Step, Unit

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
INVALID_INDEXES = "select indexrelid from pg_index where not indisvalid"


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


def run_transaction(
    session: PostgreSQLSession, run: Run, unit: Unit, serial: int, emit: Emit
) -> None:
    """Runs a unit as one transaction; again from its begin when only a lock was not had.

    A crash before the commit leaves nothing: the server rolls back.

    Raises:
        StepFailed: the server refused a statement; the whole unit was rolled back.
        Unresolved: the connection was lost in the commit, and the server stayed away.
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
    session: PostgreSQLSession, run: Run, unit: Unit, serial: int, emit: Emit, watch: Watch
) -> None:
    own = Mark(unit.first, unit.steps[0])
    commands = _transaction(session, run, unit, serial, own)
    try:
        _read(session.pipelined(commands, watch), emit)
        _commit(session, own, commit_of(run, unit, serial), emit)
    except CommandFailed as failed:
        session.roll_back()
        raise _step_failed(failed, watch.blockers) from failed
    emit(UnitCommitted(unit.first, unit.first + len(unit.steps) - 1))


def _transaction(
    session: PostgreSQLSession, run: Run, unit: Unit, serial: int, own: Mark
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


def _end_of_step(session: PostgreSQLSession, mark: Mark, serial: int) -> Iterator[Command[Mark]]:
    """The session as it was before the step, and the step's row in the history."""
    yield from session.reset_commands(mark)
    guarding = Mark(mark.number, mark.step, guards=True, ends_step=True)
    yield session.record_command(mark.step, serial, guarding)


def _end_of_unit(session: PostgreSQLSession, run: Run, unit: Unit) -> Iterator[Command[Mark]]:
    last = Mark(unit.first + len(unit.steps) - 1, unit.steps[-1])
    yield session.unlock_command(last)
    if last.number == len(run.plan.steps):
        yield session.own_command(FINISH_RUN, ("COMMITTED", "", run.id), last)
    yield Command(SHOW_TRANSACTION, last)
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


def _commit(session: PostgreSQLSession, own: Mark, commit: Commit, emit: Emit) -> None:
    """A crash here leaves all or nothing, and the history says which.

    Raises:
        CommandFailed: a deferred constraint; the server has rolled back.
        StepFailed: the connection was lost, and the server has rolled back.
        Unresolved: the connection was lost, and the server stayed away.
    """
    try:
        _read(session.pipelined([Command("commit", own)]), lambda event: None)
    except Unreachable as lost:
        settle_commit(session, commit, lost, emit)


def run_outside(
    session: PostgreSQLSession,
    run: Run,
    unit: Unit,
    serial: int,
    journal: Journal | None,
    emit: Emit,
) -> None:
    """Runs a step's statements one by one, each journaled before and after.

    A crash leaves the statements that the journal has as done, and perhaps the one after
    them; applying the plan again goes on behind the last that is known.

    Raises:
        StepFailed: the server refused a statement; says which are kept.
        Unresolved: the connection was lost, and one statement's outcome is unknown; or the lock
            was, and statements are kept; or the step cannot go on.
    """
    session.refuse_unknown(run, unit, journal)
    try:
        _run_statements(session, run, unit, journal, emit)
        _record(session, run, unit, serial, emit)
    except Locked as lost:
        raise _say_unlocked(session, run, unit, lost) from lost
    emit(UnitCommitted(unit.first, unit.first))


def _run_statements(
    session: PostgreSQLSession, run: Run, unit: Unit, journal: Journal | None, emit: Emit
) -> None:
    """Runs what is not done, each in a session as the statements before it have left theirs."""
    (step,) = unit.steps
    outcomes = journal.outcomes if journal else {}
    known = [outcomes.get((unit.first, place)) for place in range(1, len(step.statements) + 1)]
    if all(outcome == "done" for outcome in known):
        return
    for place, (statement, outcome) in enumerate(zip(step.statements, known, strict=True), 1):
        mark = Mark(unit.first, step, place, statement)
        if outcome == "done":
            _restore(session, run, mark)
        elif outcome is None or not _settle(session, run, mark):
            _run_journaled(session, run, mark, emit)


def _restore(session: PostgreSQLSession, run: Run, mark: Mark) -> None:
    """Sets again what a statement that is done had set, in a session that is gone.

    Raises:
        Unresolved: it may have left what cannot be had again.
    """
    assert mark.statement is not None
    left = left_by(mark.statement.sql)
    reason = "its session has ended"
    if left == "settings":
        try:
            session.execute(mark.statement.sql)
            return
        except ServerError as error:
            reason = str(error)
    if left != "nothing":
        session.transact(session.reset_commands(None))
        raise session.stuck(run, gone_state(mark.step, mark.place, reason))


def _settle(session: PostgreSQLSession, run: Run, mark: Mark) -> bool:
    """Whether a statement that was begun by a run that has ended took effect; journals it.

    Asked under the lock, so that the statement has ended too, whoever ran it.
    """
    assert mark.statement is not None
    done = bool(happened(mark.statement.sql, session))
    _journal(session, NOTE_DONE if done else FORGET_INTENT, (run.id, mark.number, mark.place))
    return done


def _record(session: PostgreSQLSession, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """The history's row and the end of the journal, in one transaction."""
    own = Mark(unit.first, unit.steps[0])
    ending = [
        Command("begin read write", own),
        *(Command(sql, own) for sql in OWN_WAY),
        *_end_of_step(session, own, serial),
        session.own_command(FORGET_STEP, (run.id, unit.first), own),
        *_end_of_unit(session, run, unit),
    ]
    try:
        _read(session.pipelined(ending), emit)
        _commit(session, own, commit_of(run, unit, serial), emit)
    except CommandFailed as failed:
        session.roll_back()
        session.transact(session.reset_commands(None))
        raise _step_failed(failed, kept=session.kept(run.id, unit.first)) from failed


def _say_unlocked(session: PostgreSQLSession, run: Run, unit: Unit, lost: Locked) -> LockgateError:
    """What a lost lock means: nothing more is written, and the journal tells of the rest."""
    places: tuple[int, ...] = ()
    with suppress(Unreachable, ServerError):
        session.roll_back()
        session.transact(session.reset_commands(None))
        places = session.kept(run.id, unit.first)
    return half_unlocked(lost, unit.steps[0], places) if places else lost


def _run_journaled(session: PostgreSQLSession, run: Run, mark: Mark, emit: Emit) -> None:
    assert mark.statement is not None
    place = (run.id, mark.number, mark.place)
    build = find_build(mark.statement.sql, session)
    before = _invalid_indexes(session, mark.statement.sql)
    _intend(session, (*place, mark.statement.digest))
    if build:
        _remove_invalid(session, build, emit)
    with session.watching(emit) as watch:
        try:
            with _patiently(session, mark):
                outcomes = list(session.pipelined([_command(mark)], watch))  # and kept, by its end
        except CommandFailed as failed:
            session.transact(session.reset_commands(None))
            doubt = _clean_up(session, mark.statement.sql, build, before, emit)
            if doubt is None:
                _journal(session, FORGET_INTENT, place)
            kept = session.kept(run.id, mark.number)
            raise _step_failed(failed, watch.blockers, kept, doubt) from failed
    _journal(session, NOTE_DONE, place)
    _read(outcomes, emit)


def _remove_invalid(session: PostgreSQLSession, build: ConcurrentBuild, emit: Emit) -> None:
    """Takes away what a failed build has left; waits for all who use its table, and tells."""
    removal = build.removal(session)
    if removal is None:
        return
    with session.watching(emit) as watch, session.patient():
        try:
            list(session.pipelined([Command(removal, None)], watch))
        except CommandFailed as failed:
            raise failed.error from failed


def _clean_up(
    session: PostgreSQLSession,
    sql: str,
    build: ConcurrentBuild | None,
    before: set[Row],
    emit: Emit,
) -> str | None:
    """After a refused statement: why it may have kept a part of its work, perhaps without a
    word; None when it has kept nothing."""
    try:
        if build:
            _remove_invalid(session, build, emit)
            return None
    except ServerError as error:  # what the server said of the statement itself comes first
        return f"The invalid index that it has left could not be dropped: {error}"
    half = COMMITTING.match(sql) or _invalid_indexes(session, sql) - before
    return "" if half else None


def _invalid_indexes(session: PostgreSQLSession, sql: str) -> set[Row]:
    """The indexes that are invalid; none for a statement that leaves no such index."""
    return set(session.query_all(INVALID_INDEXES)) if CONCURRENT.match(sql) else set()


@contextmanager
def _patiently(session: PostgreSQLSession, mark: Mark) -> Iterator[None]:
    """Without a lock timeout for what runs CONCURRENTLY: it blocks nobody while it waits, and
    it waits for every old transaction, at its end too, when all the work would be lost."""
    sql = mark.statement.sql if mark.statement else ""
    own = any("lock_timeout" in statement.sql.lower() for statement in mark.step.statements)
    if own or not CONCURRENT.match(sql):
        yield
        return
    with session.patient():
        yield


def _intend(session: PostgreSQLSession, values: tuple[object, ...]) -> None:
    """Raises Locked, and writes nothing, when this session does not hold the lock any more."""
    if _journal_by(session, session.intend_command(values, None)) != 1:
        raise lost_lock()


def _journal(session: PostgreSQLSession, sql: str, values: tuple[object, ...]) -> None:
    _journal_by(session, session.own_command(sql, values, None))


def _journal_by(session: PostgreSQLSession, command: Command[None]) -> int:
    """The number of rows that a command has touched in the journal."""
    return session.transact([*(Command(own, None) for own in OWN_WAY), command])[-1].rows


def _step_failed(
    failed: CommandFailed[Mark],
    blockers: tuple[Session, ...] = (),
    kept: tuple[int, ...] = (),
    doubt: str | None = None,
) -> StepFailed:
    """The failure for people; `doubt` says what the statement may have left, None: nothing."""
    mark, error = failed.command.tag, failed.error
    blocked = f"Blocked{_named(blockers)}" if error.code == LOCK_NOT_AVAILABLE and blockers else ""
    if blocked or doubt:
        details = (error.detail if doubt else "", blocked, doubt)
        error = ServerError(
            error.code, error.message, detail="\n".join(filter(None, details)),
            hint=error.hint, position=error.position,
        )  # fmt: skip
    failure = Failure(mark.number, mark.step, mark.place, mark.statement, error)
    return StepFailed(failure, kept, unsure=doubt is not None)


def _named(blockers: Iterable[object]) -> str:
    return "".join(f" by {blocker}" for blocker in blockers)
