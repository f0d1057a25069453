"""A run as a person follows it, on stderr: what waits, each step, with `-v` each statement."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lockgate.executors.events import (
    BatchCommitted,
    BatchesHeld,
    Blocked,
    BlockerEnded,
    ClearingPostponed,
    CopyProgressed,
    Emit,
    Event,
    LockAwaited,
    OthersWaited,
    Retried,
    RunStarted,
    ServerMessage,
    StatementFinished,
    StatementProgressed,
    StatementSkipped,
    StepFinished,
    Undoing,
    UnitCommitted,
)
from lockgate.planner.passwords import hide_passwords
from lockgate.planner.versions import titled
from lockgate.views.terminal import console, is_terminal, shorten, tell

EVERY = 5.0
"""Seconds between two lines about batches."""
LONG = 5.0
"""Seconds from which on a run ends with its whole time."""

NOT_TOLD = -1


@contextmanager
def showing(*, verbose: bool) -> Iterator[Emit]:
    """Shows a run's events for the block; a terminal also gets a bar for the steps ahead."""
    with _bar() as bar:
        yield _Follower(verbose, bar)


class _Follower:
    """Tells of events as they come; remembers only what was already told."""

    def __init__(self, verbose: bool, bar: Any) -> None:
        self._verbose = verbose
        self._bar = bar
        self._total = 0
        self._names: list[str] = []
        self._finished: int | None = None
        self._awaited: int | None = NOT_TOLD  # by the number of its process
        self._told = self._begun = time.monotonic()

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._begin(event)
            case LockAwaited():
                self._await(event)
            case StatementFinished() if self._verbose:
                tell(f"    {shorten(event.statement.sql)}  "
                     f"({_rows(event.rows)}, {_duration(event.seconds)})", "dim")  # fmt: skip
            case StatementSkipped():
                assert event.statement.condition is not None
                tell(f"    {event.step.file}:{event.statement.line} is left out: "
                     f"{event.statement.condition.unmet}.")  # fmt: skip
            case StepFinished():
                self._step(event)
            case UnitCommitted():
                self._end(event)
            case BatchCommitted():
                self._batch(event)
            case StatementProgressed():
                self._progress(event)
            case CopyProgressed():
                tell(f"    {event.text}", "dim")
            case BatchesHeld():
                told = f"{titled(event.step.version, event.step.name)}: {event.reason}"
                tell(f"{told}." if event.reason else f"{told}goes on.", "yellow")
            case Blocked():
                who = "; ".join(str(blocker) for blocker in event.blockers)
                tell(f"Waiting for a lock since {_duration(event.seconds)}: {who}", "yellow")
            case BlockerEnded():
                how = f"could not be {event.way}: {event.refusal}" if event.refusal else event.way
                tell(f"Session {how}, as `blockers` says: {event.blocker}", "yellow")
            case OthersWaited():
                tell(f"    other sessions waited {_duration(event.seconds)} in all, "
                     f"up to {event.sessions} at once", "yellow")  # fmt: skip
            case ServerMessage():
                parts = (event.message, event.detail, event.hint)
                told = hide_passwords("\n  ".join(filter(None, parts)))
                style = "yellow" if event.severity == "WARNING" else "dim"
                tell(f"{event.severity}: {told}", style)
            case Undoing():
                tell(f"Undoing {event.statements} statement{'s' * (event.statements != 1)} …",
                     "yellow")  # fmt: skip
            case ClearingPostponed():
                tell(f"What was dropped still waits in the schema {event.schema}; the next run "
                     f"removes it. {event.reason}", "yellow")  # fmt: skip
            case Retried():
                self._finished = None
                tell(f"{event.message}\nOnly the lock was missing, all was rolled back: "
                     f"try {event.attempt + 1} in {_duration(event.delay)}.", "yellow")  # fmt: skip

    def _begin(self, event: RunStarted) -> None:
        self._begun = time.monotonic()
        self._total = len(event.plan.steps)
        self._names = [f"{titled(step.version, step.name)}: " for step in event.plan.steps]
        self._finished = event.done
        if event.done:
            tell(f"Going on after step {event.done} of {self._total}.")
        if self._bar:
            self._bar.start_task(self._bar.task_ids[0])
            self._bar.update(0, total=self._total, completed=event.done, visible=True)

    def _await(self, event: LockAwaited) -> None:
        pid = event.holder.pid if event.holder else None
        if pid is None and self._awaited != NOT_TOLD:  # who was named has just ended
            return
        if pid != self._awaited:
            holder = event.holder or "a run that just ended"
            tell(f"Waiting for the migration lock, held by {holder}.", "yellow")
        self._awaited = pid

    def _batch(self, event: BatchCommitted) -> None:
        """Each with `-v`, and else one in so many seconds."""
        now = time.monotonic()
        if not self._verbose and now - self._told < EVERY:
            return
        self._told = now
        of = ""
        if event.expected:
            percent = min(event.walked / event.expected, 1) * 100
            of = f" of about {event.expected:,} ({percent:.0f} %)"
        tell(f"    batch {event.batch}: {event.walked:,} rows{of}, "
             f"{_duration(event.seconds)}", "dim")  # fmt: skip

    def _progress(self, event: StatementProgressed) -> None:
        """Of the step after the last one shown; of a unit that begins again, without a name."""
        name = "".join(self._names[self._finished :][:1]) if self._finished is not None else ""
        of = f" of {event.total:,}" if event.total else ""
        count = "" if event.done is None else f"{event.done:,}{of} {event.unit}"
        parts = [event.running or "runs", event.table and f"on {event.table}", event.phase, count]
        told = ", ".join(filter(None, parts))
        tell(f"    {name}{told}, for {_duration(event.seconds)}", "dim")

    def _step(self, event: StepFinished) -> None:
        self._finished = event.number
        sign = "+" if event.step.direction == "up" else "-"
        tell(f"{sign} {event.number}/{self._total} {titled(event.step.version, event.step.name)}  "
             f"{_duration(event.seconds)}")  # fmt: skip
        if self._bar:
            self._bar.update(0, completed=event.number)

    def _end(self, event: UnitCommitted) -> None:
        """Of a long run of several steps, how long it took."""
        seconds = time.monotonic() - self._begun
        if event.last == self._total > 1 and seconds >= LONG:
            tell(f"{_duration(seconds)} in all")


@contextmanager
def _bar() -> Iterator[Any]:
    if not is_terminal(sys.stderr):
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        bar.add_task("steps", start=False, visible=False)
        yield bar


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
