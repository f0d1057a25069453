"""What an executor tells while it works; whoever started it decides what to show.

Events are values: nothing in them is a password, and nothing waits for an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.plan import Plan, PlannedStatement, Step


@dataclass(frozen=True, slots=True)
class Session:
    """Another session of the server, as the server describes it. `since` is ISO 8601, UTC."""

    pid: int
    user: str
    host: str
    since: str
    program: str = ""

    def __str__(self) -> str:
        program = f" ({self.program})" if self.program else ""
        place = self.host or "a local socket"
        return f"{self.user} from {place}, pid {self.pid}{program}, since {self.since}"


@dataclass(frozen=True, slots=True)
class LockAwaited:
    """Somebody holds the migration lock; `holder` is None when he was gone as we looked."""

    holder: Session | None
    seconds: float


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The plan fits the database, and its steps after the first `done` begin."""

    plan: Plan
    done: int


@dataclass(frozen=True, slots=True)
class StatementFinished:
    """A statement ran; it is kept only when its step's transaction is."""

    number: int
    step: Step
    place: int
    statement: PlannedStatement
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StepFinished:
    """All statements of a step ran, and its change of the history table."""

    number: int
    step: Step
    seconds: float


@dataclass(frozen=True, slots=True)
class UnitCommitted:
    """The steps from `first` to `last` are kept, whatever comes."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """A statement of ours waits for locks that others hold."""

    blockers: tuple[Session, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Retried:
    """A transaction lost only to the lock timeout; it begins again after `delay` seconds."""

    attempt: int
    delay: float
    message: str


Event = (
    LockAwaited | RunStarted | StatementFinished | StepFinished | UnitCommitted | Blocked | Retried
)
Emit = Callable[[Event], None]
