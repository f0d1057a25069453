"""Planning for a fleet: its targets are looked at, grouped, and each group gets its plan by the
code that plans for one database.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from lockgate import __version__
from lockgate.checkout import read_source
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.occupancy import read_occupancy, refuse_moved_histories
from lockgate.fleet.changed import with_changes
from lockgate.fleet.members import FleetWorkspace
from lockgate.fleet.oddities import odd_by
from lockgate.planner.building.compare import compare, refuse_broken_history
from lockgate.planner.database.occupancy import refuse_occupied
from lockgate.planner.document import UNSEALED
from lockgate.planner.errors import HistoryError, LockgateError, StalePlan, UsageError
from lockgate.planner.fleet.fleet_plan import FleetPlan, Group, Odd, seal_fleet
from lockgate.planner.fleet.grouping import (
    EqualTargets,
    Outline,
    SeenTarget,
    as_target,
    find_unsure,
    group_targets,
)
from lockgate.planner.fleet.place import TargetPlace
from lockgate.planner.fleet.waves import number_waves
from lockgate.planner.migrations.directory import Directory
from lockgate.planner.plan.plan import State
from lockgate.planner.plan.verify import refuse_foreign, refuse_read_only, refuse_unresolved
from lockgate.planner.value import frozen, replace
from lockgate.workspace import Workspace, load_migrations, read_settled

if TYPE_CHECKING:
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.environments.environment import Environment
    from lockgate.plans.making import Request


@frozen
class Part:
    """Targets of which the same is wanted; with `base`, of those alone that are in this state."""

    places: Sequence[TargetPlace]
    request: Request
    base: State | None = None


def plan_fleet(fleet: FleetWorkspace, request: Request) -> FleetPlan:
    """The plan for all targets of a fleet that can be planned for.

    Raises:
        UsageError: a state replaces the database, or no plan can be made for any.
        LockgateError: as `make_plan`, where it says so of every target.
    """
    if request.state is not None:
        raise UsageError("A state is of one database, and this is a fleet.")
    waves = partial(number_waves, waves=fleet.settings.waves)
    return plan_parts(fleet, [Part(fleet.find_places(), request)], waves)


def plan_parts(
    fleet: FleetWorkspace,
    parts: Iterable[Part],
    number: Callable[[Iterable[str]], Mapping[str, int]],
) -> FleetPlan:
    """One plan for several parts of a fleet; `number` gives the wave of each target by its name.

    Raises:
        LockgateError: none can be made for any target.
    """
    directory = load_migrations(fleet.environment)
    built: list[tuple[EqualTargets, Group]] = []
    odd: list[Odd] = []
    for part in parts:
        seen, left = look_at(fleet, directory, part)
        leave_drifted = fleet.settings.drifted == "leave"
        if leave_drifted:
            seen = with_changes(fleet, seen, find_unsure(seen))
        equal, drifted = group_targets(seen, leave_drifted=leave_drifted)
        groups, hindered = _build_groups(fleet, equal, part.request)
        built += groups
        odd += (*left, *drifted, *hindered)
    working = [seen.place.name for one, group in built if group.plan.steps for seen in one.members]
    return _assemble(fleet.environment, directory, built, odd, number(working))


def _assemble(
    environment: Environment,
    directory: Directory,
    built: Sequence[tuple[EqualTargets, Group]],
    odd: Iterable[Odd],
    waves: Mapping[str, int],
) -> FleetPlan:
    groups = tuple(
        group.model_copy(
            update={
                "targets": tuple(
                    as_target(seen, waves.get(seen.place.name, 1)) for seen in one.members
                )
            }
        )
        for one, group in built
    )
    now = datetime.now(UTC).replace(microsecond=0)
    return seal_fleet(
        FleetPlan(
            tool_version=__version__,
            created_at=max((group.plan.created_at for group in groups), default=now),
            project=environment.project,
            environment=environment.name,
            source=groups[0].plan.source
            if groups
            else read_source(environment.migrations_directory, directory.digest),
            groups=groups,
            odd=tuple(sorted(odd, key=lambda one: one.name)),
            intent_digest=UNSEALED,
            digest=UNSEALED,
        )
    )


def look_at(
    fleet: FleetWorkspace, directory: Directory, part: Part
) -> tuple[list[SeenTarget], list[Odd]]:
    """What was seen of each target, and those that nothing can be planned for."""
    outlines = _read_outlines(fleet, part.places)
    seen: list[SeenTarget] = []
    odd: list[Odd] = []

    def look(place: TargetPlace) -> None:
        try:
            with fleet.open_member(place) as work:
                seen.append(_see(work, place, directory, part, outlines))
        except (LockgateError, ServerError) as error:
            odd.append(odd_by(place.name, error))

    fleet.each(part.places, look)
    return seen, odd


def _read_outlines(fleet: FleetWorkspace, places: Iterable[TargetPlace]) -> Mapping[str, Outline]:
    """Those of the schemas of the fleet's own database, read together."""
    schemas = [place.schema for place in places if place.schema and place.database is None]
    if fleet.settings.targets.schemas is None or not schemas:
        return {}
    with fleet.open_own() as engine:
        return engine.survey.read_outlines(schemas)


def _see(
    work: Workspace,
    place: TargetPlace,
    directory: Directory,
    part: Part,
    outlines: Mapping[str, Outline],
) -> SeenTarget:
    """What is seen of a target.

    Raises:
        LockgateError: nothing can be planned for it.
    """
    engine, environment, request = work.engine, work.environment, part.request
    ledger = read_settled(engine)
    if part.base not in (None, state_of(ledger)):
        raise StalePlan("Its history is not the one that the run has left.")
    refuse_read_only(engine.server)
    project, name = environment.project, environment.name
    refuse_foreign(engine.server, ledger, project=project, environment=name)
    refuse_unresolved(ledger)
    if not (request.fresh or request.is_recording):
        refuse_occupied(read_occupancy(engine, ledger), ledger, name)
    if not request.from_database:
        refuse_broken_history(compare(directory.migrations, ledger))
    refuse_moved_histories(engine, ledger)
    outline = outlines.get(place.schema or "") or engine.survey.read_outline()
    return SeenTarget(place, engine.server, ledger, outline)


def _build_groups(
    fleet: FleetWorkspace, equal: Iterable[EqualTargets], request: Request
) -> tuple[list[tuple[EqualTargets, Group]], list[Odd]]:
    """Each group with its plan; and the targets of those that none can be made for.

    Raises:
        LockgateError: none can be made for any group.
    """
    built: list[tuple[EqualTargets, Group]] = []
    odd: list[Odd] = []
    errors: list[LockgateError] = []
    for one in equal:
        try:
            built.append((one, _build_group(fleet, one, request)))
        except (HistoryError, UsageError) as error:
            errors.append(error)
            odd += (odd_by(seen.place.name, error) for seen in one.members)
    if errors and not built:
        raise errors[0]
    return built, odd


def state_of(ledger: Ledger) -> State:
    """A ledger as a plan's base names it."""
    return State(present=ledger.present, serial=ledger.serial, digest=ledger.digest)


def _build_group(fleet: FleetWorkspace, equal: EqualTargets, request: Request) -> Group:
    from lockgate.plans.rehearsal import plan_rehearsed

    with fleet.open_member(equal.first.place) as work:
        plan = plan_rehearsed(work, replace(request, sizes=equal.sizes))
    if plan.base != state_of(equal.first.ledger):
        raise StalePlan(
            f"The history of {equal.first.place.name} has changed while the plan was made.",
            why="The plan would not be the one of its group.",
            do="Plan again when no run is under way.",
        )
    definitions = equal.first.outline.digest
    return Group(proof=equal.proof, definitions=definitions, plan=plan, targets=())
