"""How long other sessions wait for what a run holds, and how far its statement is: looked at from a
second session while it runs.

Decides nothing, and what hinders it is no error. A run that ends within a second opens no session,
nor does one of a plan that touches nothing of others.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event as Flag
from threading import Lock, Thread
from typing import TYPE_CHECKING

from lockgate.executors.events import Event, OthersWaited, RunStarted, StepFinished
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.rows import cost_text
from lockgate.planner.errors import LockgateError

if TYPE_CHECKING:
    from lockgate.executors.engine import Run, Session
    from lockgate.executors.events import Emit, StatementProgressed
    from lockgate.executors.ledger.store import Store
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.planner.plan.proof import StepCost

AFTER, EVERY = 1.0, 0.5
"""Seconds until the first look, and between two; shorter waits are not seen."""
NOTE_COST = "update {runs} set cost = %s where id = %s and {ledger.alone}"
TELL_EVERY = 5.0
"""Seconds between two events of how far the same statement is."""
PATIENCE = 2.0  # seconds for a look under way to end


class Waits:
    """What was seen by now. A wait counts for the step that ran when it was seen."""

    def __init__(self, emit: Emit) -> None:
        self._emit, self._one_at_a_time = emit, Lock()
        self._told, self._running, self._last = 0.0, "", 0.0
        self._steps: tuple[Step, ...] = ()
        self._number = 1
        self._seconds, self._most = 0.0, 0
        self.costs: dict[int, tuple[float, int]] = {}
        """Seconds, and sessions at once, by the numbers of the steps."""

    def hear(self, event: Event) -> None:
        """Passes an event on; after a step's end with what others have waited for it."""
        self._tell(event)
        if isinstance(event, RunStarted):
            self._steps, self._number = event.plan.steps, event.done + 1
        if isinstance(event, StepFinished):
            self._number = event.number
            self.close_step()
            self._number = event.number + 1

    def close_step(self) -> None:
        """Counts what was seen since the last end of a step for the one that runs."""
        seconds, most, self._seconds, self._most = self._seconds, self._most, 0.0, 0
        if not seconds:
            return
        number = min(self._number, len(self._steps))  # what waits for the commit, too
        before = self.costs.get(number, (0.0, 0))
        self.costs[number] = before[0] + seconds, max(before[1], most)
        self._tell(OthersWaited(number, self._steps[number - 1], seconds, most))

    def look(self, session: Session, ended: Flag) -> None:
        """Adds up what others wait, until the run has ended, and tells how far it is."""
        looked = time.monotonic()
        if ended.wait(AFTER):
            return
        with suppress(LockgateError, ServerError), session.looking_on() as ask:
            while not ended.is_set():
                (waiting, progress), now = ask(), time.monotonic()
                if progress:
                    self._tell_progress(progress, now)
                self._seconds += sum(min(seconds, now - looked) for seconds in waiting)
                self._most, looked = max(self._most, len(waiting)), now
                ended.wait(EVERY)

    def _tell_progress(self, progress: StatementProgressed, now: float) -> None:
        """Of a statement first when it has run for a second."""
        is_new = progress.running != self._running or progress.seconds < self._last
        self._running, self._last = progress.running, progress.seconds
        if progress.seconds >= 1 and (is_new or now - self._told >= TELL_EVERY):
            self._told = now
            self._tell(progress)

    def _tell(self, event: Event) -> None:
        """Two threads have something to tell."""
        with self._one_at_a_time:
            self._emit(event)


def _touches_others(plan: Plan) -> bool:
    """Whether a statement may hold what others wait for: not where things are only made."""
    statements = (one for step in plan.steps for one in step.statements)
    return any(one.touches or not (one.reading and one.reading.kind.startswith("create "))
               for one in statements)  # fmt: skip


@contextmanager
def noting_waits(session: Session, store: Store, run: Run, emit: Emit) -> Iterator[Emit]:
    """Where a run's events go for the block; after it, what others have waited is noted in the
    run's row."""
    if not _touches_others(run.plan):
        yield emit
        return
    waits, ended = Waits(emit), Flag()
    thread = Thread(target=waits.look, args=(session, ended), daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:  # a thread inherits the mask, so that signals go on to interrupt the main thread alone
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield waits.hear
    finally:
        ended.set()
        thread.join(PATIENCE)
        waits.close_step()
        if waits.costs:
            with suppress(LockgateError, ServerError):
                costs = _added(store.runs.read_waits(run.id), waits.costs)
                store.write((NOTE_COST, (cost_text(costs), run.id)))


def _added(
    before: dict[int, StepCost], waited: dict[int, tuple[float, int]]
) -> dict[int, StepCost]:
    """What an earlier part of the same run has noted, with what was seen now."""
    from lockgate.planner.plan.proof import StepCost

    found = dict(before)
    for number, (seconds, most) in waited.items():
        old = found.get(number, StepCost())
        found[number] = StepCost(
            others_waited_ms=(old.others_waited_ms or 0) + round(seconds * 1000),
            others_waiting=max(old.others_waiting or 0, most),
        )
    return found
