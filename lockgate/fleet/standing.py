"""The states of a fleet's targets: each is asked itself.

Changes no target; what is noted of a run may be corrected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.coordinator import Coordinator, NotedRun
from lockgate.executors.fleet.crew import GONE, TargetResult, TargetState
from lockgate.executors.fleet.stand import FleetStand, TargetStand
from lockgate.fleet.oddities import odd_by
from lockgate.fleet.throttling import Throttled
from lockgate.planner.building.compare import compare, refuse_broken_history
from lockgate.planner.errors import LockgateError, Unreachable
from lockgate.planner.fleet.fleet_plan import parse_fleet_plan, plan_of
from lockgate.planner.plan.verify import find_position, refuse_foreign, refuse_unresolved
from lockgate.workspace import load_migrations, read_settled

if TYPE_CHECKING:
    from lockgate.fleet.members import FleetWorkspace
    from lockgate.planner.fleet.fleet_plan import FleetPlan, FleetTarget, Group
    from lockgate.planner.fleet.place import TargetPlace
    from lockgate.planner.migrations.directory import Directory


def read_fleet_stand(fleet: FleetWorkspace) -> FleetStand:
    """The states of all targets now.

    Raises:
        LockgateError: the migrations' files or the fleet's own database cannot be read.
    """
    directory = load_migrations(fleet.environment)
    found: list[TargetStand] = []

    def ask(place: TargetPlace) -> None:
        found.append(_ask(fleet, place, directory))

    fleet.each(fleet.find_places(), ask)
    targets = tuple(sorted(found, key=lambda one: one.name))
    with fleet.open_coordinator() as engine:
        coordinator = Coordinator(engine)
        run, results = _read_last(fleet, coordinator)
        left, is_left = _look_ahead(coordinator, run)
    holds = _find_holds(fleet)
    return FleetStand(fleet.environment.name, targets, run, results, left, holds, is_left)


def _look_ahead(coordinator: Coordinator, run: NotedRun | None) -> tuple[float | None, bool]:
    """The seconds that a run under way will still take, and whether no driver goes on with it."""
    if run is None or run.state != "running":
        return None, False
    if not coordinator.is_driven():
        return None, True
    return coordinator.estimate(run.digest), False


def _find_holds(fleet: FleetWorkspace) -> dict[str, str]:
    """Which limit of `throttle` each server is above, by its name."""
    places = fleet.find_places()
    with Throttled(fleet, places) as throttled:
        found = {host: throttled.held_by(host) for host in throttled.hosts}
    return {host: f"throttle.{limit}" for host, limit in sorted(found.items()) if limit}


def read_noted_stand(fleet: FleetWorkspace) -> FleetStand:
    """What is noted of the last run's targets, without asking them."""
    with fleet.open_coordinator() as engine:
        coordinator = Coordinator(engine)
        run, results = _read_last(fleet, coordinator)
        left, is_left = _look_ahead(coordinator, run)
    targets = tuple(
        TargetStand(one.name, "", one.state.value, detail=one.detail) for one in results.values()
    )
    return FleetStand(fleet.environment.name, targets, run, results, left, is_left=is_left)


def _read_last(
    fleet: FleetWorkspace, coordinator: Coordinator
) -> tuple[NotedRun | None, dict[str, TargetResult]]:
    environment = fleet.environment
    run = next(iter(coordinator.read_runs(environment.project, environment.name)), None)
    return run, coordinator.read_results(run.digest) if run else {}


def verify_last_run(fleet: FleetWorkspace) -> int:
    """Asks the targets of the last run how far they are, and replaces what is noted by that; how
    many were noted otherwise.

    Raises:
        Locked: the run is under way.
    """
    with fleet.open_coordinator() as engine:
        coordinator = Coordinator(engine)
        with coordinator.driving(lambda event: None):
            run, noted = _read_last(fleet, coordinator)
            if run is None:
                return 0
            text = coordinator.read_plan_text(run.digest)
            plan = parse_fleet_plan(text.encode(), f"The plan of run {run.digest[:16]}")
            found = _ask_plan(fleet, plan)
            coordinator.rebuild(plan, found.values())
    return sum(noted[name].state != one.state for name, one in found.items() if name in noted)


def _ask_plan(fleet: FleetWorkspace, plan: FleetPlan) -> dict[str, TargetResult]:
    """How far each target is that a plan does something with, by its own ledger."""
    targets = {
        one.name: (group, one) for group in plan.groups if group.plan.steps for one in group.targets
    }
    found: dict[str, TargetResult] = {}

    def ask(place: TargetPlace) -> None:
        if place.name in targets:
            found[place.name] = _position(fleet, place, *targets[place.name])

    fleet.each(fleet.find_places(), ask)
    gone = (name for name in targets if name not in found)
    return found | {name: TargetResult(name, TargetState.REFUSED, GONE) for name in gone}


def _position(
    fleet: FleetWorkspace, place: TargetPlace, group: Group, target: FleetTarget
) -> TargetResult:
    plan = plan_of(group, target)
    try:
        with fleet.open_member(place) as work:
            engine = work.engine
            ledger = engine.store.read_ledger()
            if plan.digest in ledger.unresolved:
                return TargetResult(place.name, TargetState.HALF_DONE)
            done = find_position(plan, ledger)
            run = engine.store.runs.read_finished(plan) if done else None
    except Unreachable as error:
        return TargetResult(place.name, TargetState.UNREACHABLE, error.what)
    except (LockgateError, ServerError) as error:
        return TargetResult(place.name, TargetState.REFUSED, str(error).partition("\n")[0])
    if done == len(plan.steps):
        return TargetResult(place.name, TargetState.APPLIED, "", run.id if run else "")
    state = TargetState.FAILED if done else TargetState.WAITING
    return TargetResult(place.name, state, f"{done} of {len(plan.steps)} steps" if done else "")


def _ask(fleet: FleetWorkspace, place: TargetPlace, directory: Directory) -> TargetStand:
    host = place.host_of(fleet.address)
    try:
        with fleet.open_member(place) as work:
            environment, engine = work.environment, work.engine
            ledger = read_settled(engine)
            project, name = environment.project, environment.name
            refuse_foreign(engine.server, ledger, project=project, environment=name)
            refuse_unresolved(ledger)
            comparison = compare(directory.migrations, ledger)
            refuse_broken_history(comparison)
    except (LockgateError, ServerError) as error:
        odd = odd_by(place.name, error)
        return TargetStand(place.name, host, odd.reason, detail=odd.detail)
    pending = len(comparison.pending)
    state = "pending" if pending else "up to date"
    last = comparison.last_applied
    return TargetStand(place.name, host, state, last, pending, ledger.serial)
