"""The migration lock: at most one executor at work on a history table; runs nothing itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.events import LockAwaited
from lockgate.executors.polling import poll
from lockgate.planner.errors import Locked

if TYPE_CHECKING:
    from lockgate.executors.events import Emit, LockHolder

AT_LEAST = 30.0  # seconds to look for a commit whose answer was lost


class MigrationLock(ABC):
    """The lock of one history table, which the session that runs the SQL holds."""

    def __init__(self, wait: float) -> None:
        """`wait` is what the environment says, in seconds."""
        self.commit_wait = max(AT_LEAST, wait)
        self.paused_by: Callable[[], str] = str
        """Who has asked the run that holds it to wait, by the ledger; empty: no one."""

    @contextmanager
    def hold(self, wait: float, emit: Emit) -> Iterator[None]:
        """The lock for the block, waited for up to `wait` seconds.

        Raises:
            Locked: others kept it; says who holds it.
        """
        try:
            if not poll(self.take, wait, lambda waited: emit(LockAwaited(self.holder(), waited))):
                raise self.taken(wait)
            yield
        finally:
            self.release()

    @abstractmethod
    def take(self) -> bool:
        """Whether the lock was had, without waiting."""

    @abstractmethod
    def release(self) -> None:
        """Frees the lock, as far as the server can still be asked: it ends with the session."""

    @abstractmethod
    def holder(self) -> LockHolder | None:
        """Who holds the lock."""

    @abstractmethod
    def prove(self) -> None:
        """Raises Locked when this session does not hold the lock any more."""

    @abstractmethod
    def retake(self) -> bool:
        """Opens a session in place of the one that was left, once, and takes the lock.

        False while others, or what is left of the lost session, hold the lock.

        Raises:
            Unreachable: the server is away.
            WrongTarget: another server has taken its place.
        """

    def taken(self, wait: float) -> Locked:
        """The error of a lock that another session kept for so many seconds."""
        holder = self.holder()
        who = f"{holder} holds it." if holder else "other sessions held it one after another."
        do = "Wait for the other run to end and try again"
        if holder:
            ending = f" with `{holder.ending}`" if holder.ending else ""
            who += f" {holder.standing}"
            do += f", or end its session{ending} if it is no run of yours"
            if holder.is_migrator is False:
                do = f"End that session{ending} and try again"
            if paused := self.paused_by():
                who += f" It is a run of batches that {paused} has paused: it keeps the lock."
                do = "Let it go on with `migrate resume`, wait for its end and try again"
        return Locked(
            f"Could not get the migration lock within {wait:g} s: {who}",
            why="Two migrations of one database at once would run into each other.",
            do=f"{do}; `lock: {{wait: …}}` in the environment sets how long to wait.",
        )


def lost_lock() -> Locked:
    """The error of an executor that finds another one at work."""
    return Locked(
        "The migration lock was lost: this session does not hold it any more, or another "
        "executor has changed the history.",
        why="Going on could run a migration twice. What was not yet committed was undone.",
        do="See `migrate status`, and run again.",
    )
