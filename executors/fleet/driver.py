"""The driver of a fleet's run: wave by wave, by what is noted, until all have ended or too many
have failed.

Touches no target: a crew does. A driver that dies stops nothing that runs, and the next one goes
on by the same rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lockgate.executors.fleet.coordinator import Coordinator
from lockgate.executors.fleet.crew import FAILURES, Crew, Shift, TargetResult, TargetState, Task
from lockgate.planner.errors import Interrupted
from lockgate.planner.fleet.budget import Budget
from lockgate.planner.fleet.fleet_plan import FleetPlan
from lockgate.planner.fleet.waves import Share
from lockgate.planner.value import frozen

AT_ONCE = 20
"""Results that are noted together."""
NOTED_AFTER = 1.0
"""Seconds after which fewer are."""
LATE = "its time is over (--max-time)"


@frozen
class RunTerms:
    """How a run goes on from one wave to the next: `soak` in seconds, and `check` says why it must
    not, empty where it may. After `deadline`, by the monotonic clock, nothing is begun."""

    total: Share
    consecutive: int
    per_host: int | None
    soak: float
    check: Callable[[], str]
    deadline: float = math.inf

    @property
    def left(self) -> float:
        """The seconds to the deadline."""
        return self.deadline - time.monotonic()


@dataclass(slots=True)
class Watcher:
    """Who watches a run."""

    result: Callable[[TargetResult], None] = lambda result: None
    wave: Callable[[int, int], None] = lambda wave, targets: None
    soak: Callable[[float], None] = lambda seconds: None


@dataclass(slots=True)
class Drive:
    """How a run has gone so far: `results` by name, why it pauses, empty while it does not, and the
    signal that has stopped it."""

    results: dict[str, TargetResult] = field(default_factory=dict)
    paused: str = ""
    signal: Interrupted | None = None


class Driver:
    """Does what is left of a run, for a caller who is its one driver."""

    def __init__(
        self,
        plan: FleetPlan,
        tasks: Sequence[Task],
        crew: Crew,
        coordinator: Coordinator,
        terms: RunTerms,
        watcher: Watcher,
    ) -> None:
        self._plan = plan
        self._tasks = tasks
        self._crew = crew
        self._coordinator = coordinator
        self._terms = terms
        self._watcher = watcher
        self._budget = Budget(len(tasks), terms.total, terms.consecutive, terms.per_host)

    def drive(self, actor: str, *, afresh: bool = False) -> Drive:
        """How the run has gone when all have ended, or it pauses, also by a signal: then what ran
        has ended. One that has ended is done `afresh`: each target is asked whether it still has
        what was applied.

        Raises:
            Locked: this is not the driver any more.
        """
        digest = self._plan.digest
        done = Drive({} if afresh else self._coordinator.read_results(digest))
        try:
            for wave in range(1, self._plan.last_wave + 1):
                self._do_wave(wave, done)
                if not done.paused and wave < self._plan.last_wave:
                    done.paused = self._settle()
                if done.paused:
                    self._coordinator.pause(digest, actor, done.paused)
                    return done
            self._coordinator.finish(digest)
        except Interrupted as signal:
            done.paused, done.signal = "interrupted", signal
            self._coordinator.pause(digest, actor, done.paused)
        return done

    def _do_wave(self, wave: int, done: Drive) -> None:
        left = [task for task in self._tasks if task.wave == wave and not _is_applied(task, done)]
        if not left:
            return
        if self._terms.left <= 0:
            done.paused = LATE
            return
        self._coordinator.prove()
        self._coordinator.begin_wave(self._plan.digest, wave)
        self._watcher.wave(wave, len(left))
        with (
            self._crew.performing(left) as work,
            Notebook(self._coordinator, self._plan.digest) as notebook,
        ):
            try:
                ended = self._follow(work, left, done, notebook)
            except Interrupted:
                work.stop()
                self._follow(work, left, done, notebook)
                raise
        if ended < len(left) and not done.paused:
            done.paused = LATE
        if not done.paused:
            self._coordinator.end_wave(self._plan.digest)

    def _follow(self, work: Shift, left: Sequence[Task], done: Drive, notebook: Notebook) -> int:
        """Takes the results as they come, and counts the targets that have ended; when too many
        have failed, nothing more is begun."""
        hosts = {task.name: task.host for task in left}
        ended = 0
        for result in work:
            ended += result.state != TargetState.WAITING
            done.results[result.name] = result
            if not self._crew.is_noting:
                notebook.note(result)
            self._watcher.result(result)
            is_failure = result.state in FAILURES
            reason = self._budget.count(hosts[result.name], is_failure=is_failure)
            if reason and not done.paused:
                done.paused = reason
                work.stop()
        return ended

    def _settle(self) -> str:
        """Waits for what is left of a wave's soak; why the run must not go on after it."""
        left = self._terms.soak - self._coordinator.soaked(self._plan.digest)
        if self._terms.soak and left > 0:
            self._watcher.soak(left)
            time.sleep(max(0, min(left, self._terms.left)))
            if self._terms.left <= 0:
                return LATE
        return self._terms.check()


def _is_applied(task: Task, done: Drive) -> bool:
    noted = done.results.get(task.name)
    return noted is not None and noted.state == TargetState.APPLIED


class Notebook:
    """Notes results some at once, and what is left when the block ends."""

    def __init__(self, coordinator: Coordinator, digest: str) -> None:
        self._coordinator = coordinator
        self._digest = digest
        self._waiting: list[TargetResult] = []
        self._since = time.monotonic()

    def __enter__(self) -> Notebook:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def note(self, result: TargetResult) -> None:
        """Notes a result, soon."""
        self._waiting.append(result)
        if len(self._waiting) >= AT_ONCE or time.monotonic() - self._since > NOTED_AFTER:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._coordinator.note(self._digest, self._waiting)
        self._waiting, self._since = [], time.monotonic()
