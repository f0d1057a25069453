"""The walk along a key: batch after batch, as large as the time for one allows, with a look between
two of them at what may hold it up.

Knows no engine: a `Walker` runs the batches. What is done is in the ledger before this goes on, so
a crash at any place costs at most the batch that was under way, which the server undoes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lockgate.executors.batches.progress import KeyValues, Progress, note_waiting, read_progress
from lockgate.executors.events import (
    BatchCommitted,
    BatchesHeld,
    Emit,
    Event,
    Retried,
    StepFinished,
)
from lockgate.executors.failure import Failure, NotReached, StepFailed
from lockgate.executors.polling import delays
from lockgate.planner.errors import Paused
from lockgate.planner.quantities import format_duration, format_size
from lockgate.planner.value import frozen, replace

if TYPE_CHECKING:
    from lockgate.executors.engine import Run
    from lockgate.executors.ledger.store import Store
    from lockgate.planner.plan.plan import Step
    from lockgate.planner.plan.statement import Batch, Limit, PlannedStatement

LARGER, SMALLER = 10, 1000
"""How much larger, and smaller, than the first batch later ones may be."""
LOOK = 0.5  # seconds between two looks at what holds a run up
# Seconds at least between two looks at gauges: InnoDB tells what it told before to who asks it more
# than ten times a second, and batches may be quicker than that.
INTERVAL = 0.2


@frozen
class Stretch:
    """The next keys: `rows` of them, to and with `last`. `first` is the first, of a walk's first
    stretch alone."""

    rows: int
    last: KeyValues
    first: KeyValues | None = None


class Walker(Protocol):
    """One statement's batches on an engine."""

    retries: int
    """How often a batch is tried again that has lost to others."""

    def find_stretch(self, after: KeyValues | None, size: int) -> Stretch | None:
        """The next `size` keys after one, or the first of all; None: there is none."""

    def run(self, progress: Progress, stretch: Stretch, size: Callable[[float], int]) -> int:
        """Runs one batch, with its place and the size of the next one, by its seconds, in its
        transaction; the rows that it changed.

        Raises:
            BatchFailed: the server refused it; it was rolled back.
            Locked: the lock was lost; it was rolled back.
        """

    def walk_again(self, progress: Progress) -> None:
        """Goes back to the first key; durable on return."""

    def holds(self, condition: str) -> bool:
        """Whether a condition of the migration's holds."""

    def measure(self, throttle: Limit) -> float | None:
        """A gauge, in the unit of its limit; None: it is not known."""


class BatchFailed(StepFailed):
    """The server refused a batch, which was rolled back; `again` says that it lost to others, and
    the same may succeed."""

    def __init__(self, failure: Failure, again: bool) -> None:
        super().__init__(failure)
        self.again = again
        self.batches = 0


@dataclass(slots=True)
class Pace:
    """How many batches this process has run, and when the gauges were looked at last, by the
    monotonic clock in seconds."""

    ran: int = 0
    looked: float = -INTERVAL


@frozen
class Journey:
    """A walk of one statement by one run: `number` is its step's, `place` its own in that."""

    run: Run
    number: int
    step: Step
    place: int
    statement: PlannedStatement
    store: Store
    walker: Walker
    emit: Emit
    pace: Pace = field(default_factory=Pace)

    @property
    def batch(self) -> Batch:
        """How it runs in batches."""
        assert self.statement.batch is not None, "only such a statement has a journey"
        return self.statement.batch

    def progress(self) -> Progress:
        """How far it has come."""
        found = read_progress(self.store, (self.run.id, self.number, self.place))
        assert found is not None, "it is made before the first batch"
        return found


def run_walk(journey: Journey) -> Progress:
    """Runs all that is left, and proves what must hold at the end.

    Raises:
        BatchFailed: a batch was refused; those before it are kept.
        Paused: the time is up.
        NotReached: all keys were passed, and the condition does not hold.
    """
    until = journey.batch.until
    while True:
        progress = _walk_once(journey)
        if not until or journey.walker.holds(until):
            return progress
        if progress.changed == progress.changed_before and progress.pass_number > 1:
            raise NotReached(journey.step, until, progress.batches)
        journey.walker.walk_again(progress)


def _walk_once(journey: Journey) -> Progress:
    """Runs batches until there is no further key."""
    while True:
        progress = _clear(journey)
        stretch = journey.walker.find_stretch(progress.place, progress.size)
        if stretch is None:
            return progress
        _run(journey, progress, stretch)
        if journey.batch.pause_ms:
            time.sleep(journey.batch.pause_ms / 1000)


def _run(journey: Journey, progress: Progress, stretch: Stretch) -> None:
    """One batch, which is tried again where it lost to others."""
    seconds = 0.0

    def next_size(took: float) -> int:
        nonlocal seconds
        seconds = took
        return fitting_size(journey.batch, progress.size, stretch.rows, took)

    attempts = zip(range(1, journey.walker.retries + 1), delays(), strict=False)
    while True:
        try:
            changed = journey.walker.run(progress, stretch, next_size)
            break
        except BatchFailed as failed:
            failed.batches = progress.batches
            attempt, delay = next(attempts, (0, 0.0))
            if not failed.again or not attempt:
                raise
            journey.emit(Retried(attempt, delay, str(failed.failure)))
            time.sleep(delay)
    journey.pace.ran += 1
    journey.emit(
        BatchCommitted(
            journey.number, journey.step, journey.place, progress.batches + 1, changed,
            progress.walked + stretch.rows, progress.expected, seconds,
        )
    )  # fmt: skip


def timed(emit: Emit, seconds: float) -> Emit:
    """`emit`, with the seconds in batches added to those of the end of their step."""

    def told(event: Event) -> None:
        if isinstance(event, StepFinished):
            event = replace(event, seconds=event.seconds + seconds)
        emit(event)

    return told


def fitting_size(batch: Batch, size: int, rows: int, seconds: float) -> int:
    """How many keys the next batch has, by what this one took: at most twice as many, so that one
    quick batch does not make a long one.

    >>> from lockgate.planner.plan.statement import Batch, Named
    >>> batch = Batch(key=("id",), table=Named(kind="table", name="t"), size=1000, target_ms=1000,
    ...               slots=())
    >>> [fitting_size(batch, 1000, 1000, took) for took in (0.1, 0.8, 4.0, 1000.0)]
    [2000, 1250, 500, 500]
    >>> fitting_size(batch, 1000, 3, 0.001)
    1000
    """
    if rows < size:
        return size
    factor = min(max(batch.target_ms / 1000 / max(seconds, 0.001), 0.5), 2)
    least, most = max(batch.size // SMALLER, 1), batch.size * LARGER
    return min(max(int(size * factor), least), most)


def _clear(journey: Journey) -> Progress:
    """How far it has come, when nothing holds up the next batch.

    Raises:
        Paused: the time is up.
    """
    told, began = "", time.monotonic()
    while True:
        progress = journey.progress()
        reason = next(_obstacles(journey, progress), "")
        if reason or journey.pace.ran:  # in the shortest window there is place for one
            _refuse_late(journey, progress)
        if reason != told:
            note_waiting(journey.store, progress, reason)
        if not reason:
            return progress
        if reason.partition(":")[0] != told.partition(":")[0]:
            journey.emit(BatchesHeld(journey.number, journey.step, reason,
                                     time.monotonic() - began))  # fmt: skip
        told = reason
        time.sleep(LOOK)


def _refuse_late(journey: Journey, progress: Progress) -> None:
    deadline = journey.run.deadline
    if deadline is None or time.monotonic() < deadline:
        return
    rows = f"{progress.walked:,} rows" + (
        f" of about {progress.expected:,}" if progress.expected else ""
    )
    raise Paused(
        f"Stopped between two batches of {journey.step.file}, as the time was up: "
        f"{progress.batches} done, {rows}.",
        why="They are kept, and the ledger says where the next one begins.",
        do="Run the same command again in the next window: it goes on there.",
    )


def _obstacles(journey: Journey, progress: Progress) -> Iterator[str]:
    """Why the next batch has to wait, as clauses."""
    if progress.asked:
        yield f"paused: by {progress.asked}; `migrate resume` lets it go on"
    now = time.monotonic()
    if not journey.batch.throttles or now - journey.pace.looked < INTERVAL:
        return
    journey.pace.looked = now
    for throttle in journey.batch.throttles:
        measured = journey.walker.measure(throttle)
        if measured is None or measured >= throttle.below:
            yield f"throttled: {spell_throttle(throttle, measured)}"


def spell_throttle(throttle: Limit, measured: float | None) -> str:
    """A gauge beside its limit.

    >>> from lockgate.planner.plan.statement import Limit
    >>> spell_throttle(Limit(gauge="lag", below=5000), 12000.0)
    'lag is 12s, and is to be below 5s'
    >>> spell_throttle(Limit(gauge="running", below=40), None)
    'running is not known, and is to be below 40'
    """
    now = "not known" if measured is None else _spell(throttle.gauge, measured)
    limit = _spell(throttle.gauge, throttle.below)
    return f"{throttle.gauge} is {now}, and is to be below {limit}"


def _spell(gauge: str, value: float) -> str:
    if gauge == "running":
        return f"{value:.0f}"
    return format_size(value) if gauge == "wal" else format_duration(round(value) / 1000)
