"""Where the targets of a fleet stand: each is asked itself.

Changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.coordinator import Coordinator
from lockgate.executors.fleet.stand import FleetStand, TargetStand
from lockgate.fleet.oddities import odd_by
from lockgate.planner.building.compare import compare, refuse_broken_history
from lockgate.planner.errors import LockgateError
from lockgate.planner.plan.verify import refuse_foreign, refuse_unresolved
from lockgate.workspace import load_migrations, read_settled

if TYPE_CHECKING:
    from lockgate.fleet.members import FleetWorkspace
    from lockgate.planner.fleet.place import TargetPlace
    from lockgate.planner.migrations.directory import Directory


def read_fleet_stand(fleet: FleetWorkspace) -> FleetStand:
    """Where all targets stand now.

    Raises:
        LockgateError: the migrations' files or the fleet's own database cannot be read.
    """
    directory = load_migrations(fleet.environment)
    found: list[TargetStand] = []

    def ask(place: TargetPlace) -> None:
        found.append(_ask(fleet, place, directory))

    fleet.each(fleet.find_places(), ask)
    with fleet.open_coordinator() as engine:
        coordinator = Coordinator(engine)
        environment = fleet.environment
        run = next(iter(coordinator.read_runs(environment.project, environment.name)), None)
        results = coordinator.read_results(run.digest) if run else {}
    targets = tuple(sorted(found, key=lambda one: one.name))
    return FleetStand(environment.name, targets, run, results)


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
