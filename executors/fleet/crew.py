"""Who does the work of a fleet's run: targets in, results out, in whatever order they end.

`executors.fleet.local` is one process with threads, `executors.fleet.procrastinate` hands the
tasks to workers elsewhere. A task names a target and holds neither SQL nor an address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

from lockgate.planner.value import frozen


class TargetState(StrEnum):
    """Where a target is in a run. `refused` is one whose database is not as the plan needs it;
    nothing was run there."""

    WAITING = "waiting"
    APPLIED = "applied"
    REFUSED = "refused"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    HALF_DONE = "half done"


FAILURES = frozenset({TargetState.FAILED, TargetState.UNREACHABLE, TargetState.HALF_DONE})
"""What counts against the budget."""


GONE = "The fleet has no such target any more."


@frozen
class Task:
    """A target to be done. `host` is the server that it is on, to spare it; for no eyes."""

    name: str
    group: int
    wave: int
    host: str


@frozen
class TargetResult:
    """How a target ended. `detail` says why it is not applied, in a sentence; `run` is the id of
    the run that has applied it there. `again` says that it was applied before."""

    name: str
    state: TargetState
    detail: str = ""
    run: str = ""
    again: bool = False


class Shift(Protocol):
    """Tasks that are being done."""

    def __iter__(self) -> Iterator[TargetResult]:
        """The results, as they end; iterated again, those that are still to come."""

    def stop(self) -> None:
        """Begins no more of them; the iteration ends with the last that has begun."""


class Crew(Protocol):
    """Those who do the work. `is_noting` says that they note themselves how targets end."""

    is_noting: bool

    def performing(self, tasks: Sequence[Task]) -> AbstractContextManager[Shift]:
        """The work on these tasks, for the block; when it is left, no thread of this
        process works on it any more."""
