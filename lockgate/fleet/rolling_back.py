"""`migrate down` of a fleet: what its last run has applied is rolled back, the newest wave first.

The control database says which targets these are, and how many steps; what runs is planned from
the files, and each target must be as the run has left it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lockgate.executors.fleet.coordinator import Coordinator
from lockgate.executors.fleet.crew import TargetState
from lockgate.fleet.applying import FleetRun
from lockgate.fleet.members import FleetWorkspace, open_fleet
from lockgate.fleet.running import drive_run, refuse_unfinished
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import UsageError
from lockgate.planner.fleet.fleet_plan import FleetPlan, parse_fleet_plan
from lockgate.planner.policies.require_plan import judge_unplanned
from lockgate.planner.value import replace
from lockgate.runs.notifying import notifying_fleet
from lockgate.trust.approvals import Approvers, Signatures
from lockgate.views.fleet.run import show_end, watching
from lockgate.workspace import author

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.plans.making import Request

NOTHING = (
    "Nothing to roll back: no target is as the last run has left it, or that has applied nothing."
)


def roll_back_last(
    environment: Environment, request: Request, *, verbose: bool, as_json: bool
) -> None:
    """Rolls back what the last run of a fleet has applied.

    Raises:
        UsageError: there is no such run.
        Denied: the environment wants a reviewed plan, or denies this one.
        LockgateError: as `migrate apply` of a fleet's plan.
    """
    refuse_denied([judge_unplanned(environment.name, environment.policy.require_plan)])
    with open_fleet(environment) as fleet:
        last, applied = _find_last(fleet)
        plan = _plan_back(fleet, last, applied, request)
        for group in plan.groups:
            refuse_denied(group.plan.decisions)
        run = FleetRun(
            fleet, plan, {place.name: place for place in fleet.find_places()},
            Signatures(None, ()), "", Approvers(), author(),
            allow_non_atomic=request.allow_non_atomic,
        )  # fmt: skip
        total = len(run.targets)
        watcher = watching(as_json=as_json, verbose=verbose)
        with notifying_fleet(environment, plan.digest, watcher) as told:
            done, _ = drive_run(run, told)
            refuse_unfinished(done, total, f"migrate down -e {environment.name}")
    show_end(plan, done, total, NOTHING, as_json=as_json)


def _find_last(fleet: FleetWorkspace) -> tuple[FleetPlan, set[str]]:
    """The plan of the last run that was no rollback, and the targets that it has applied."""
    environment = fleet.environment
    with fleet.open_coordinator() as engine:
        coordinator = Coordinator(engine)
        for run in coordinator.read_runs(environment.project, environment.name):
            text = coordinator.read_plan_text(run.digest)
            plan = parse_fleet_plan(text.encode(), f"The plan of run {run.digest[:16]}")
            if any(step.direction == "up" for group in plan.groups for step in group.plan.steps):
                results = coordinator.read_results(run.digest).values()
                return plan, {one.name for one in results if one.state == TargetState.APPLIED}
    raise UsageError(
        f"No run of the fleet {environment.name} is noted that could be rolled back.",
        do=f"Plan a rollback of all its targets: `migrate plan -e {environment.name} --down N`.",
    )


def _plan_back(
    fleet: FleetWorkspace, last: FleetPlan, applied: set[str], request: Request
) -> FleetPlan:
    from lockgate.fleet.planning import Part, plan_parts

    places = {place.name: place for place in fleet.find_places()}
    parts = [
        Part(
            [places[one.name] for one in group.targets if one.name in applied & places.keys()],
            replace(request, steps=len(group.plan.steps)),
            group.plan.result,
        )
        for group in last.groups
        if group.plan.steps
    ]
    before = {target.name: target.wave for target in last.targets}

    def number(names: Iterable[str]) -> dict[str, int]:
        """The waves of then, backwards."""
        waves = {name: before[name] for name in names}
        order = sorted(set(waves.values()), reverse=True)
        return {name: order.index(wave) + 1 for name, wave in waves.items()}

    return plan_parts(fleet, [part for part in parts if part.places], number)
