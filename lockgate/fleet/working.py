"""`migrate worker`: what is done with a job of a fleet's run.

A job and the plan are from the control database: both are held against this machine's own
environment, policies and keys, and addresses and passwords are found here. Decides nothing of
the order: the driver does.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from lockgate.executors.fleet.coordinator import Coordinator
from lockgate.executors.fleet.crew import TargetResult, TargetState, Task
from lockgate.executors.fleet.local import PATIENCE
from lockgate.executors.fleet.worker import Worker, WorkerTerms
from lockgate.fleet.applying import FleetRun, told
from lockgate.fleet.members import FleetWorkspace, open_fleet
from lockgate.fleet.throttling import Throttled
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import ConfigurationError, LockgateError, Unreachable, WrongTarget
from lockgate.planner.fleet.fleet_plan import parse_fleet_plan
from lockgate.trust.admission import trust_maker
from lockgate.trust.approvals import Signatures, count_approvers
from lockgate.views.fleet.run import tell_leaving, tell_lost, tell_worker, watching
from lockgate.workspace import author

if TYPE_CHECKING:
    from lockgate.executors.fleet.procrastinate import Assignment
    from lockgate.planner.environments.environment import Environment

FRESH = 60.0
"""Seconds for which what was read of a run holds: its plan, its signatures, the targets' places."""


def work_for(
    environment: Environment, *, jobs: int, stalled_after: float, idle: float | None, verbose: bool
) -> None:
    """Works on the jobs of a fleet's runs until a signal.

    Raises:
        ConfigurationError: the environment has no workers.
        UsageError: it is no fleet, or procrastinate is not installed.
    """
    for name in ("asyncio", "procrastinate", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what a person needs, `lost` tells
    with open_fleet(environment) as fleet, ExitStack() as stack:
        if fleet.settings.crew != "procrastinate":
            raise ConfigurationError(
                "fleet.crew: this fleet has no workers: `migrate apply` does all by itself",
                path=environment.path,
                do="Write `crew: procrastinate` under `fleet:`.",
            )
        with fleet.open_coordinator() as engine:
            queue = fleet.find_queue(Coordinator(engine).schema)
        bench = Bench(fleet, stack, watching(as_json=False, verbose=verbose).result)
        worker = Worker(queue, bench.do, WorkerTerms(jobs, stalled_after, idle, tell_lost))
        tell_worker(environment.name, jobs)
        worker.run()
        tell_leaving(bench.counts)


class Bench:
    """Does jobs, for several threads at once; `counts` is how many targets have ended how."""

    def __init__(
        self, fleet: FleetWorkspace, stack: ExitStack, tell: Callable[[TargetResult], None]
    ) -> None:
        self.counts: Counter[TargetState] = Counter()
        self._fleet = fleet
        self._stack = stack
        self._tell = tell
        self._lock = Lock()
        self._opened: dict[tuple[str, bool, bool], tuple[float, FleetRun, Throttled]] = {}

    def do(self, assignment: Assignment, is_leaving: Callable[[], bool]) -> bool:
        """See `executors.fleet.worker.Do`. A job of a run that is not under way, and a target of a
        later wave, is left alone: only a driver begins something.

        Raises:
            Unreachable, ServerError: the control database is lost.
        """
        with self._fleet.open_coordinator() as engine:
            coordinator = Coordinator(engine)
            coordinator.refuse_foreign()
            state, wave = coordinator.read_progress(assignment.run) or ("", 0)
            if state != "running":
                return True
            try:
                run, throttled = self._open(coordinator, assignment)
            except Unreachable:
                raise
            except LockgateError as error:
                why = f"The worker on {author().actor} refuses the plan: {told(error)}"
                for name in assignment.targets:
                    self._note(coordinator, assignment.run, name, TargetState.REFUSED, why)
                return True
            wanted = {task.name: task for task in run.tasks() if task.wave <= wave}
            for name in assignment.targets:
                if is_leaving():
                    return False
                if name in wanted:
                    self._do_one(coordinator, run, wanted[name], throttled, is_leaving)
        return True

    def _do_one(
        self,
        coordinator: Coordinator,
        run: FleetRun,
        task: Task,
        throttled: Throttled,
        is_leaving: Callable[[], bool],
    ) -> None:
        while not throttled.is_ready(task.host):
            if is_leaving():
                return
            time.sleep(PATIENCE)
        result = run.perform(task)
        coordinator.note(run.plan.digest, [result])
        self._count(result)

    def _note(
        self, coordinator: Coordinator, digest: str, name: str, state: TargetState, why: str
    ) -> None:
        result = TargetResult(name, state, why)
        coordinator.note(digest, [result])
        self._count(result)

    def _count(self, result: TargetResult) -> None:
        with self._lock:
            self.counts[result.state] += 1
            self._tell(result)

    def _open(self, coordinator: Coordinator, assignment: Assignment) -> tuple[FleetRun, Throttled]:
        key = assignment.run, assignment.reviewed, assignment.allow_non_atomic
        with self._lock:
            opened, run, throttled = self._opened.get(key, (-FRESH, None, None))
            if run is None or throttled is None or time.monotonic() - opened > FRESH:
                run = self._read(coordinator, assignment)
                throttled = self._stack.enter_context(
                    Throttled(self._fleet, list(run.places.values()))
                )
                self._opened = {key: (time.monotonic(), run, throttled)}
            return run, throttled

    def _read(self, coordinator: Coordinator, assignment: Assignment) -> FleetRun:
        """The run as the control database has it, when this machine trusts it.

        Raises:
            LockgateError: it does not.
        """
        environment = self._fleet.environment
        name = f"The plan of run {assignment.run[:16]}"
        plan = parse_fleet_plan(coordinator.read_plan_text(assignment.run).encode(), name)
        own = (assignment.run, environment.project, environment.name)
        if (plan.digest, plan.project, plan.environment) != own:
            raise WrongTarget(f"{name} is another's.", do="Look who writes the control database.")
        for group in plan.groups:
            refuse_denied(group.plan.decisions)
        signatures = Signatures.of_names(coordinator.read_signatures(plan.digest))
        maker = trust_maker(plan, Path(name), signatures, environment)
        approvers = count_approvers(plan, signatures, environment, datetime.now(UTC))
        return FleetRun(
            self._fleet, plan, {place.name: place for place in self._fleet.find_places()},
            signatures, maker, approvers, author(),
            plan.intent_digest if assignment.reviewed else None, assignment.allow_non_atomic,
        )  # fmt: skip
