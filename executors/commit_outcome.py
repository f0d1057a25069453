"""Finding out whether a commit has happened whose answer was lost: by looking, never by guessing.

Commits nothing and retries nothing: an engine's units do, and go on when this returns.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.events import Emit, LockAwaited
from lockgate.executors.failure import Failure, ServerError, StepFailed
from lockgate.executors.polling import poll
from lockgate.executors.run_errors import unknown_outcome
from lockgate.executors.states import UNDER_WAY, WHOLE
from lockgate.planner.errors import (
    Interrupted,
    Locked,
    LockgateError,
    Unreachable,
    Unresolved,
    WrongTarget,
)
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine, Run
    from lockgate.planner.database.server import Server
    from lockgate.planner.plan.plan import Step, Unit

LATER_STATEMENTS = "select 1 from {journal} {plain} where run_id = %s and step > %s"


@frozen
class Commit:
    """The commit of a unit's steps: the ledger is at `serial` before it.

    `first` is the number of the first step; `ends_run` says that the run's row becomes COMMITTED
    in the same transaction.
    """

    run_id: str
    first: int
    steps: tuple[Step, ...]
    serial: int
    ends_run: bool

    @property
    def last(self) -> int:
        """The number of the last step."""
        return self.first + len(self.steps) - 1

    @property
    def after(self) -> int:
        """The ledger's serial when it has happened."""
        return self.serial + len(self.steps)


def commit_of(run: Run, unit: Unit, serial: int) -> Commit:
    """The commit of a whole unit."""
    last = unit.first + len(unit.steps) - 1
    return Commit(run.id, unit.first, unit.steps, serial, last == len(run.plan.steps))


def settle_commit(engine: Engine, commit: Commit, lost: Unreachable, emit: Emit) -> None:
    """Returns when the commit has happened, and the run may go on as if its answer had come.

    Raises:
        StepFailed: the server has rolled back; says what the journal has as kept.
        Unresolved: as `has_happened`; or it has happened, and others have gone on since.
    """
    happened = has_happened(engine, commit, lost, emit)
    try:
        if happened:
            _refuse_moved(engine, commit)
            return
        kept = engine.store.runs.read_kept(commit.run_id, commit.first)
    except (Unreachable, ServerError) as hindered:
        raise unknown_outcome(lost, str(hindered)) from hindered
    raise _rolled_back(engine, commit, lost, kept) from lost


def has_happened(engine: Engine, commit: Commit, lost: Unreachable, emit: Emit) -> bool:
    """Whether the commit has happened; the session is a new one, under the migration lock.

    Sessions roll back before their locks go, so the lock's next holder sees how the lost one ended.

    Raises:
        Unresolved: it cannot be known, or not in time, or a signal came first.
    """
    try:
        engine.session.leave()
        hindered = _retake_lock(engine, emit)
        happened = _look(engine, commit, locked=hindered is None)
    except Interrupted as interrupted:
        raise unknown_outcome(lost, "A signal came before it could be asked.") from interrupted
    except (LockgateError, ServerError) as error:
        raise unknown_outcome(lost, _told(error)) from error
    if happened is None:
        raise unknown_outcome(lost, hindered.what if hindered else "Others have gone on since.")
    return happened


def refuse_another_server(known: Server, found: Server) -> None:
    """Raises an error unless the server that answers is the one that was lost, and no replica.

    Raises:
        Unreachable: a replica, which may not have heard of the commit yet.
        WrongTarget: another server, which never will.
    """
    if found.evidence != known.evidence:
        raise WrongTarget("Another server answers at the database's address now.")
    if found.read_only:
        raise Unreachable("The server that answers now is read-only: a replica.")


def reconnect(engine: Engine, emit: Emit) -> None:
    """Has a new session under the migration lock in place of one that was lost.

    Raises:
        Unreachable: the server did not come back in time.
        WrongTarget: another server did.
        Locked: somebody else kept the lock.
    """
    engine.session.leave()
    if kept := _retake_lock(engine, emit):
        raise kept


def _retake_lock(engine: Engine, emit: Emit) -> Locked | None:
    """Has a new session under the migration lock, or says who kept the lock for too long.

    Raises:
        Unreachable: the server did not come back in time.
        WrongTarget: another server did.
    """
    away: list[Unreachable] = []

    def had() -> bool:
        away.clear()
        try:
            return engine.lock.retake()
        except Unreachable as error:
            away.append(error)
            return False

    def tell(waited: float) -> None:
        if not away:
            with suppress(Unreachable):  # the next try sees that too
                emit(LockAwaited(engine.lock.holder(), waited))

    if poll(had, engine.lock.commit_wait, tell):
        return None
    if away:
        raise away[0]
    return engine.lock.taken(engine.lock.commit_wait)


def _look(engine: Engine, commit: Commit, *, locked: bool) -> bool | None:
    """Whether the commit has happened; None when that cannot be seen.

    Only the run's own last transaction makes it COMMITTED, and the serial never falls. A run that
    still is under way was followed by no other one, since the next would have closed it.
    """
    status = engine.store.runs.read_status(commit.run_id)
    if status in WHOLE:
        return True
    if not locked:
        return None
    if engine.store.read_ledger().serial < commit.after or (status and commit.ends_run):
        return False
    return True if status in UNDER_WAY else engine.session.transaction_outcome()


def _refuse_moved(engine: Engine, commit: Commit) -> None:
    """Raises Unresolved when this commit is not the last thing that has happened.

    The fence would tell as well, but only when DDL that commits by itself has run again.
    """
    if commit.ends_run:
        return
    later = engine.store.query_one(LATER_STATEMENTS, (commit.run_id, commit.last))
    if later or engine.store.read_ledger().serial != commit.after:
        raise Unresolved(
            "The connection was lost in a commit, and another run has changed the history since.",
            why=f"The commit has happened: the steps up to {commit.last} are kept and recorded.",
            do="See `migrate status`, and run the same command again: it looks first.",
        )


def _rolled_back(
    engine: Engine, commit: Commit, lost: Unreachable, kept: tuple[int, ...]
) -> StepFailed:
    error = ServerError(
        engine.session.lost_code,
        "The connection was lost in the commit, and the server has rolled back",
        detail=lost.what,
    )
    return StepFailed(Failure(commit.first, commit.steps[0], 0, None, error), kept)


def _told(error: LockgateError | ServerError) -> str:
    return error.what if isinstance(error, LockgateError) else f"The server refused: {error}."
