"""How a compensated unit ends on MySQL and MariaDB: well, undone, rolled forward, or stuck.

The mechanism is `compensated_unit`'s; here it is decided which way to go, and said why.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.commit_outcome import reconnect
from lockgate.executors.failure import Failure, ServerError, StepFailed
from lockgate.executors.mysql.facts import read_facts
from lockgate.executors.mysql.session import NO_SAVEPOINT
from lockgate.executors.mysql.undo.blockers import LOST_TO_OTHERS, explain_wait
from lockgate.executors.mysql.undo.compensated_unit import CompensatedUnit, Position
from lockgate.executors.polling import try_again
from lockgate.executors.run_errors import (
    ended_by_another,
    no_way_back,
    not_asked,
    not_finished,
    not_restored,
    not_undone,
    refused_to_finish,
    unknown_statement,
    weaker,
)
from lockgate.executors.states import WHOLE
from lockgate.planner.errors import Interrupted, Locked, LockgateError, Unreachable, WrongTarget
from lockgate.planner.guarantees.units import rejudge

if TYPE_CHECKING:
    from lockgate.executors.engine import Run
    from lockgate.executors.events import Emit
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.executors.mysql.undo.journal import JournalRow
    from lockgate.planner.plan.plan import Plan, Unit


def run_unit(engine: MySQL, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """Runs a unit; when it cannot be finished, the database is made as it was before. Where it lost
    to other sessions alone, it begins again.

    Raises:
        StepFailed: a statement was refused or the connection was lost, and all was undone.
        Unresolved: it could not be undone, or not be seen; says what to do.
    """
    first = True

    def run_once() -> None:
        nonlocal first
        if not first:
            engine.lock.prove()
        first = False
        _run_once(CompensatedUnit(engine, run, unit, emit), serial)

    try_again(engine.session.lock_retries, LOST_TO_OTHERS, emit, run_once)


def _run_once(work: CompensatedUnit, serial: int) -> None:
    try:
        work.begin()
        work.run(serial)
    except (LockgateError, ServerError, StepFailed) as reason:
        told: Exception = reason
        if isinstance(reason, ServerError):
            work.lost_to_others = reason.code in LOST_TO_OTHERS
            told = explain_wait(work.engine, reason, work.reading)
        raise _ending(work, told) from reason
    except Exception as fault:  # of lockgate itself, or of a listener
        _leave_nothing(work, fault)
        raise


def refuse_weaker(engine: MySQL, plan: Plan, done: int) -> None:
    """Raises StalePlan when by what the tables are now the plan promises more than it could keep
    of its steps after the first `done`."""
    dialect = engine.server.dialect
    reasons = rejudge(plan, read_facts(engine.session), dialect, engine.session.copy_limit, done)
    if reasons:
        raise weaker(reasons)


def recover_unit(engine: MySQL, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """Ends a unit whose run has ended without: rolled forward where its point of no return is
    passed, and else undone.

    Raises:
        Unresolved: neither could be done.
    """
    work = CompensatedUnit(engine, run, unit, emit)
    passed, begun = _passed(work)
    if begun and passed is None:
        raise engine.store.stuck(run, unknown_statement(begun.step, begun.place))
    if passed:
        finish_unit(engine, run, unit, serial, emit)
    else:
        give_back(work)


def undo_unit(engine: MySQL, run: Run, unit: Unit, emit: Emit) -> tuple[str, ...]:
    """Undoes a unit whose run has ended without; the tables as of `give_back`.

    Raises:
        Unresolved: it could not be fully undone, or its point of no return is passed.
    """
    work = CompensatedUnit(engine, run, unit, emit)
    passed, begun = _passed(work)
    if begun and passed is not False:
        raise no_way_back(begun.step, begun.place)
    return give_back(work)


def finish_unit(engine: MySQL, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """Runs what an interrupted unit has not done, and records it.

    Raises:
        Unresolved: a statement's outcome is unknown, one is refused, or a signal or a lost
            connection stopped it; nothing was undone.
    """
    work = CompensatedUnit(engine, run, unit, emit)
    try:
        work.run(serial, work.take_up())
    except ServerError as error:
        failed = StepFailed(_failure(work, error))
        if work.engine.session.roll_back():
            work.forget_refused()
        raise engine.store.stuck(run, refused_to_finish(failed)) from error
    except StepFailed as failed:  # the commit was lost, and rolled back
        raise engine.store.stuck(run, refused_to_finish(failed)) from failed
    except (Interrupted, Unreachable, Locked, WrongTarget) as stopped:
        if not _was_too_late(work, stopped):
            raise not_finished(stopped) from stopped


def _was_too_late(work: CompensatedUnit, reason: LockgateError) -> bool:
    """Whether a signal came when the whole plan was kept; nothing runs any more after it."""
    if isinstance(reason, Interrupted):
        with suppress(Unreachable, Locked, WrongTarget, ServerError):
            work.engine.lock.end_session()
            return work.engine.store.runs.read_status(work.run_of.id) in WHOLE
    return False


def give_back(work: CompensatedUnit) -> tuple[str, ...]:
    """Undoes a unit, unless another executor has ended it; the tables in which other sessions have
    written meanwhile, so that what is there is not what was before.

    Raises:
        Unresolved: it could not be fully undone.
    """
    try:
        if not work.journal.is_open():
            return ()
        ended = work.undo()
    except (StepFailed, ServerError) as error:
        raise work.engine.store.stuck(work.run_of, not_undone(error)) from error
    except (Unreachable, Locked, WrongTarget) as lost:
        raise not_asked(lost) from lost
    if ended.left:
        raise work.engine.store.stuck(work.run_of, not_restored(ended.left))
    return ended.written


def _ending(work: CompensatedUnit, reason: Exception) -> Exception:
    """What a unit's failure means, when it is undone or its outcome is known."""
    try:
        return _end_persistently(work, reason)
    except (Unreachable, Locked, WrongTarget, ServerError) as hindered:
        return not_asked(hindered) if work.begun else reason


def _end_persistently(work: CompensatedUnit, reason: Exception) -> Exception:
    """`_end`, which neither a late signal nor a connection that is lost in it stops."""
    try:
        return _end(work, reason)
    except Interrupted:
        work.engine.lock.end_session()
        return _end(work, reason)
    except Unreachable as lost:
        return _end(work, lost)


def _end(work: CompensatedUnit, reason: Exception) -> Exception:
    if isinstance(reason, Locked):  # nothing may be written any more
        work.engine.session.roll_back()
        return not_asked(reason) if work.begun else reason
    if isinstance(reason, Interrupted | Unreachable):
        if error := _session_again(work, reason):
            return error
        if isinstance(reason, Interrupted) and not work.journal.is_open():
            return reason  # the unit is kept, or others have ended it: `apply` looks which
        if not work.is_open():
            return ended_by_another(reason) if work.begun else reason
    elif not isinstance(reason, ServerError | StepFailed):
        return reason
    failure = reason.failure if isinstance(reason, StepFailed) else _failure(work, reason)
    if failure.error.code == NO_SAVEPOINT and not failure.place:  # something has committed
        return StepFailed(failure, work.done_of(work.at), unsure=True)
    refused = isinstance(reason, ServerError)
    doubtful = _doubt(work, refused=refused)
    if doubtful is not None:
        return StepFailed(failure, doubtful, unsure=True)
    written = give_back(work)
    return reason if isinstance(reason, Interrupted) else StepFailed(failure, written=written)


def _leave_nothing(work: CompensatedUnit, fault: Exception) -> None:
    """Undoes a unit after a fault that is none of the server's; notes with it if that fails."""
    try:
        work.engine.lock.end_session()
        give_back(work)
    except (LockgateError, ServerError) as hindered:
        fault.add_note(f"What was done is in the journal. {hindered}")


def _session_again(
    work: CompensatedUnit, reason: Interrupted | Unreachable
) -> LockgateError | None:
    """Has a session under the lock again, in which nothing of the old one runs any more; or the
    error of not having one."""
    try:
        if isinstance(reason, Interrupted):
            work.engine.lock.end_session()
        else:
            reconnect(work.engine, work.emit)
    except (Unreachable, Locked, WrongTarget, ServerError) as error:
        return not_asked(error) if work.begun else reason
    return None


def _doubt(work: CompensatedUnit, *, refused: bool) -> tuple[int, ...] | None:
    """The statements of the last step that are done, when the unit may not be undone; else None."""
    if refused and work.engine.session.roll_back():
        work.forget_refused()
    passed, begun = _passed(work)
    return work.done_of(begun) if begun and passed is not False else None


def _passed(work: CompensatedUnit) -> tuple[bool | None, Position | None]:
    """Whether the point of no return is passed (None: it is not known), and where it is, if it
    was begun."""
    begun: tuple[Position, JournalRow] | None = work.last_one()
    if begun is None:
        return False, None
    return work.has_happened(begun[1]), begun[0]


def _failure(work: CompensatedUnit, error: Exception) -> Failure:
    shown = (
        error
        if isinstance(error, ServerError)
        else ServerError(work.engine.session.lost_code, str(error))
    )
    at = work.at
    return Failure(at.number, at.step, at.place, at.statement, shown)
