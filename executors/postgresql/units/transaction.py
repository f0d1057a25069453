"""Running of units on PostgreSQL that are one transaction each; `journaled` runs others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from lockgate.executors.commit_outcome import Commit, commit_of, settle_commit
from lockgate.executors.events import (
    Emit,
    OtherSession,
    StatementFinished,
    StatementSkipped,
    StepFinished,
    UnitCommitted,
)
from lockgate.executors.failure import Failure, ServerError, StepFailed
from lockgate.executors.ledger.store import FINISH_RUN
from lockgate.executors.lock import lost_lock
from lockgate.executors.polling import blocked_by, try_again
from lockgate.executors.postgresql.own_settings import ENTER, LEAVE
from lockgate.executors.postgresql.pipeline import Command, CommandFailed, CommandResult
from lockgate.executors.postgresql.units.commit_status import SHOW_TRANSACTION
from lockgate.executors.postgresql.units.condition import is_met
from lockgate.executors.postgresql.units.deferred import SET, check_deferred
from lockgate.executors.states import RunStatus
from lockgate.planner.database.server import dialect_of
from lockgate.planner.errors import Unreachable
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.engine import Run
    from lockgate.executors.postgresql.blockers import Watch
    from lockgate.executors.postgresql.engine import PostgreSQL
    from lockgate.planner.plan.plan import Step, Unit
    from lockgate.planner.plan.statement import PlannedStatement, StatementReading

LOCK_NOT_AVAILABLE = "55P03"
# With a deadlock and a conflict of serializable transactions: the server has rolled back, and the
# same may succeed. https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
LOST_TO_OTHERS = frozenset({LOCK_NOT_AVAILABLE, "40P01", "40001"})
# https://www.postgresql.org/docs/current/event-triggers.html
EVENT_TRIGGER = "select from pg_catalog.pg_event_trigger where evtenabled <> 'D' limit 1"
DEFINING = frozenset({"alter", "comment", "create", "drop", "grant", "revoke", "truncate"})
MANY = 50  # steps; to reset the session after fewer costs less than to ask a distant server


def reading_of(statement: PlannedStatement) -> StatementReading:
    """What a statement does, by its plan; one of format 1.0 does not say it."""
    if statement.reading is not None:
        return statement.reading
    # Only such a plan is worth loading a parser for in the middle of a run.
    from lockgate.planner.building.readings import read_statement

    return read_statement(statement.sql, dialect_of("postgresql"))


@frozen
class Mark:
    """Where in a plan a command belongs. Place 0 is lockgate's own, without a statement.

    `guards` says that it must find one row, or this executor has lost the lock; `checks`, that it
    checks the constraints that are deferred.
    """

    number: int
    step: Step
    place: int = 0
    statement: PlannedStatement | None = None
    guards: bool = False
    ends_step: bool = False
    checks: bool = False

    @property
    def reading(self) -> StatementReading:
        """What the statement does."""
        assert self.statement is not None, "lockgate's own commands are not asked for it"
        return reading_of(self.statement)


def run_transaction(engine: PostgreSQL, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """Runs a unit as one transaction; again from its begin where it lost a lock or a deadlock.

    A crash before the commit leaves nothing: the server rolls back.

    Raises:
        StepFailed: the server refused a statement; the whole unit was rolled back.
        Unresolved: the connection was lost in the commit, and the server stayed away.
    """

    def run_once() -> None:
        with engine.session.watching(emit) as watch:
            _run_once(engine, run, unit, serial, emit, watch)

    try_again(engine.session.lock_retries, LOST_TO_OTHERS, emit, run_once)


def _run_once(
    engine: PostgreSQL, run: Run, unit: Unit, serial: int, emit: Emit, watch: Watch
) -> None:
    own = Mark(unit.first, unit.steps[0])
    untouched = _leave_untouched(engine, unit)
    guard = engine.store.guard_commands(own)  # may ask the server, which cannot be done in a flight
    commands = _transaction(engine, run, unit, serial, own, guard, untouched)
    try:
        read_outcomes(_flights(engine, unit, commands, emit, watch), emit)
        last = Mark(unit.first + len(unit.steps) - 1, unit.steps[-1])
        commit_unit(engine, last, commit_of(run, unit, serial), emit)
    except CommandFailed as failed:
        engine.session.roll_back()
        raise step_failed(failed, watch.blockers) from failed
    emit(UnitCommitted(unit.first, unit.first + len(unit.steps) - 1))


def _flights(
    engine: PostgreSQL, unit: Unit, commands: Iterator[Command[Mark]], emit: Emit, watch: Watch
) -> Iterator[CommandResult[Mark]]:
    """What the commands give: in one flight, which ends before a statement that has a condition, as
    the server is asked for it then."""
    if not any(one.condition for step in unit.steps for one in step.statements):
        yield from engine.session.pipelined(commands, watch)
        return
    flight: list[Command[Mark]] = []
    for command in commands:
        mark = command.tag
        if mark.statement and mark.statement.condition:
            yield from engine.session.pipelined(flight, watch)
            flight = []
            if not is_met(engine.session, mark.statement.condition):
                emit(StatementSkipped(mark.number, mark.step, mark.place, mark.statement))
                continue
        flight.append(command)
    yield from engine.session.pipelined(flight, watch)


def _transaction(
    engine: PostgreSQL,
    run: Run,
    unit: Unit,
    serial: int,
    own: Mark,
    guard: Sequence[Command[Mark]],
    untouched: int,
) -> Iterator[Command[Mark]]:
    """All of a unit's transaction but its end, which is sent when the rest is known good; the first
    `untouched` steps leave the session as it was."""
    yield Command("begin", own, report=True)  # so that the first statement has its own time
    yield from guard
    for number, step in enumerate(unit.steps, unit.first):
        yield Command(LEAVE, Mark(number, step))
        for place, statement in enumerate(step.statements, 1):
            yield command_of(Mark(number, step, place, statement))
        mark, place = Mark(number, step), number - unit.first
        if place < untouched:
            yield Command(ENTER, mark)
        else:
            if step is not unit.steps[-1] and may_defer(step):  # the commit checks the last
                checking = Mark(number, step, checks=True)
                yield Command(check_deferred(engine.session.schema), checking)
            yield from engine.session.reset_commands(mark)
            yield engine.store.names_command(mark)
        yield end_of_step(engine, mark, serial + place)
        if any("advisory" in reading_of(statement).names for statement in step.statements):
            yield engine.lock.unlock_command(Mark(number, step))
    yield from end_of_unit(engine, run, unit)


def command_of(mark: Mark) -> Command[Mark]:
    assert mark.statement is not None
    sql, rows = mark.statement.sql, mark.statement.copy_data
    return Command(sql, mark, report=True, copy_data=rows)


def _leave_untouched(engine: PostgreSQL, unit: Unit) -> int:
    """How many of the first steps leave the session as it was, for certain: none but tables that
    are made and dropped, where no event trigger could run code. Never the last one, and 0 where
    there are few."""
    if len(unit.steps) <= MANY:
        return 0
    from lockgate.planner.building.readings import full_reading

    dialect = engine.server.dialect
    plain = takewhile(
        lambda step: all(full_reading(one, dialect).runs_nothing for one in step.statements),
        unit.steps[:-1],
    )
    found = len(tuple(plain))
    return 0 if found < MANY or engine.session.query_all(EVENT_TRIGGER) else found


def may_defer(step: Step) -> bool:
    """Whether it may leave a constraint to be checked later: only rows that are written do, by it
    or by code that it runs, and a mode that it sets. What only defines sends no more than it must:
    a server notices that its client died when it has read all that the client had sent."""
    return any(
        one.opaque or one.unread or one.kind.partition(" ")[0] not in DEFINING
        for one in map(reading_of, step.statements)
    )


def end_of_step(engine: PostgreSQL, mark: Mark, serial: int) -> Command[Mark]:
    """The step's row in the history, when the session is as it was before the step."""
    guarding = Mark(mark.number, mark.step, guards=True, ends_step=True)
    return engine.store.record_command(mark.step, serial, guarding)


def end_of_unit(engine: PostgreSQL, run: Run, unit: Unit) -> Iterator[Command[Mark]]:
    last = Mark(unit.first + len(unit.steps) - 1, unit.steps[-1])
    yield engine.lock.unlock_command(last)
    if last.number == len(run.plan.steps):
        yield engine.store.own_command(FINISH_RUN, (RunStatus.COMMITTED, "", run.id), last)
    yield Command(SHOW_TRANSACTION, last)
    yield engine.lock.proof_command(Mark(last.number, last.step, guards=True))


def read_outcomes(outcomes: Iterable[CommandResult[Mark]], emit: Emit) -> None:
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


def commit_unit(engine: PostgreSQL, own: Mark, commit: Commit, emit: Emit) -> None:
    """A crash here leaves all or nothing, and the history says which.

    Raises:
        CommandFailed: a deferred constraint; the server has rolled back.
        StepFailed: the connection was lost, and the server has rolled back.
        Unresolved: the connection was lost, and the server stayed away.
    """
    try:
        # What is deferred to the commit is the migration's, and runs as such.
        ending = [Command(LEAVE, own), Command("commit", own), Command(ENTER, own)]
        read_outcomes(engine.session.pipelined(ending), lambda event: None)
    except Unreachable as lost:
        settle_commit(engine, commit, lost, emit)


def step_failed(
    failed: CommandFailed[Mark],
    blockers: tuple[OtherSession, ...] = (),
    kept: tuple[int, ...] = (),
    doubt: str | None = None,
) -> StepFailed:
    """The failure for people; `doubt` says what the statement may have left, None: nothing."""
    mark, error = failed.command.tag, failed.error
    blocked = blocked_by(blockers) if error.code == LOCK_NOT_AVAILABLE else ""
    if blocked or doubt or mark.checks:
        # Which constraints were named is not said.
        detail = error.detail.partition(f'"{SET}')[0].rpartition("\n")[0] if mark.checks else ""
        details = (error.detail if doubt else detail, blocked)
        error = ServerError(
            error.code, error.message, detail="\n".join(filter(None, details)),
            hint=error.hint, position=error.position,
        )  # fmt: skip
    failure = Failure(mark.number, mark.step, mark.place, mark.statement, error)
    return StepFailed(failure, kept, unsure=doubt is not None, left=doubt or "")
