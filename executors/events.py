"""What an executor tells while it works; its caller decides what to show.

Events are values: nothing in them is a password, and nothing waits for an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from lockgate.planner.quantities import format_moment
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.planner.plan.statement import PlannedStatement

FIRST_WORDS = re.compile(r"[A-Za-z]+(?:\s+[A-Za-z_]\w*\b(?![.(@'\"])){0,2}")


@frozen
class OtherSession:
    """Another session of the server, as the server describes it. `since` is ISO 8601, UTC; without
    it the server shows us no more than the user and the pid. `running` are the first words of its
    statement, of which the rest may hold a secret."""

    pid: int
    user: str
    host: str
    since: str
    program: str = ""
    running: str = ""

    def __str__(self) -> str:
        if not self.since:
            return f"{self.user}, pid {self.pid} (the server does not show our role more of it)"
        program = f" (calls itself {self.program})" if self.program else ""
        place = self.host or "a local socket"
        running = f", running {self.running.upper()} …" if self.running else ""
        since = format_moment(datetime.fromisoformat(self.since))
        return f"{self.user} from {place}, pid {self.pid}{program}, since {since}{running}"


@frozen
class LockHolder(OtherSession):
    """Who holds the migration lock: any user who may connect may take it, under any program's name.

    `is_migrator` says whether the server lets the role write the ledger; None: it does not tell.
    `ending` is the statement that ends the session, or the prepared transaction, whose pid is 0;
    empty where it cannot be written down.
    """

    is_migrator: bool | None = None
    ending: str = ""

    def __str__(self) -> str:
        if self.pid:
            return OtherSession.__str__(self)
        return f"{self.user}, by a prepared transaction of {self.since}"

    @property
    def standing(self) -> str:
        """What the server tells of the role, as a sentence."""
        match self.is_migrator:
            case True:
                return f"The role {self.user} may write lockgate's tables."
            case False:
                return f"The role {self.user} is no migrator: it may not write lockgate's tables."
        return f"Whether {self.user} is a migrator is not known: the rights are not shown to you."


def first_words(sql: str) -> str:
    """How a statement begins, up to anything that is not a plain word.

    >>> first_words("alter table users add column x int"), first_words("set @a = 'secret'")
    ('alter table users', 'set')
    """
    words = FIRST_WORDS.match(sql.lstrip())
    return words[0] if words else ""


@frozen
class LockAwaited:
    """Somebody holds the migration lock; `holder` is None when he was gone as we looked."""

    holder: LockHolder | None
    seconds: float


@frozen
class RunStarted:
    """The plan fits the database, and its steps after the first `done` begin."""

    plan: Plan
    done: int


@frozen
class StatementFinished:
    """A statement ran; it is kept only when its step's transaction is."""

    number: int
    step: Step
    place: int
    statement: PlannedStatement
    rows: int
    seconds: float


@frozen
class StatementSkipped:
    """A statement was left out, as its condition is not met."""

    number: int
    step: Step
    place: int
    statement: PlannedStatement


@frozen
class StepFinished:
    """All statements of a step ran, and its change of the history table."""

    number: int
    step: Step
    seconds: float


@frozen
class UnitCommitted:
    """The steps from `first` to `last` are kept, whatever comes."""

    first: int
    last: int


@frozen
class StatementProgressed:
    """A statement is still at work, and waits for no lock: `running` are its first words. Where the
    server tells how far it is, `phase` is its word for what it does, `table` the one it works on,
    and `done` of `total` of a `unit` are done."""

    running: str
    seconds: float
    table: str = ""
    phase: str = ""
    done: int | None = None
    total: int | None = None
    unit: str = ""


@frozen
class Blocked:
    """A statement of ours waits for locks that others hold."""

    blockers: tuple[OtherSession, ...]
    seconds: float


@frozen
class BlockerEnded:
    """A session that a statement of ours waits for is ended, as the environment's `blockers` say:
    `way` is `canceled` or `terminated`. `refusal` is why the server has not done it; empty where it
    has."""

    blocker: OtherSession
    way: str
    refusal: str = ""


@frozen
class OthersWaited:
    """Other sessions have waited for a step's locks: `seconds` together, up to `sessions` of them
    at once."""

    number: int
    step: Step
    seconds: float
    sessions: int


@frozen
class ServerMessage:
    """What the server says beside its results while a statement runs. `severity` is its own word in
    English: NOTICE, WARNING, INFO; `detail` and `hint` may be empty."""

    severity: str
    code: str
    message: str
    detail: str
    hint: str


@frozen
class BatchCommitted:
    """A batch of a statement is kept. `batch` counts them from 1, `rows` are those that it changed,
    `walked` the keys that were passed so far, of about `expected`."""

    number: int
    step: Step
    place: int
    batch: int
    rows: int
    walked: int
    expected: int | None
    seconds: float


@frozen
class BatchesHeld:
    """The next batch waits since `seconds`, for a `reason`: a person, or a gauge that is high."""

    number: int
    step: Step
    reason: str
    seconds: float


@frozen
class CopyProgressed:
    """The program that copies a step's table has said a line."""

    number: int
    step: Step
    text: str
    seconds: float


@frozen
class Retried:
    """A transaction lost only to the lock timeout; it begins again after `delay` seconds."""

    attempt: int
    delay: float
    message: str


@frozen
class Undoing:
    """What a unit had done is undone, the last of so many statements first."""

    statements: int


@frozen
class ClearingPostponed:
    """What a committed plan has dropped still waits in a schema; the next run removes it."""

    schema: str
    reason: str


Event = (
    LockAwaited
    | RunStarted
    | StatementFinished
    | StatementSkipped
    | StepFinished
    | UnitCommitted
    | StatementProgressed
    | Blocked
    | BlockerEnded
    | OthersWaited
    | ServerMessage
    | BatchCommitted
    | BatchesHeld
    | CopyProgressed
    | Retried
    | Undoing
    | ClearingPostponed
)
Emit = Callable[[Event], None]
