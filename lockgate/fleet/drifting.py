"""`migrate drift` of a fleet: which targets are not as the others of their history, or not as their
last run has left them.

Changes nothing.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.stand import DriftedTarget, FleetDrift
from lockgate.fleet.changed import with_changes
from lockgate.fleet.planning import Part, look_at
from lockgate.planner.errors import Interrupted, LockgateError
from lockgate.planner.fleet.grouping import SeenTarget, find_unsure, group_targets
from lockgate.planner.value import replace
from lockgate.plans.making import Request
from lockgate.workspace import load_migrations

if TYPE_CHECKING:
    from lockgate.fleet.members import FleetWorkspace

UNLIKE_ITS_RUN = "its definitions are not those that its last run has left"


def find_fleet_drift(fleet: FleetWorkspace) -> FleetDrift:
    """How all targets compare.

    Raises:
        LockgateError: the migrations' files or the fleet's own database cannot be read.
    """
    directory = load_migrations(fleet.environment)
    answered, odd = look_at(fleet, directory, Part(fleet.find_places(), Request()))
    seen = with_changes(fleet, answered, answered)
    by_name = {one.place.name: one for one in seen}
    unsure = {one.place.name for one in find_unsure(seen)}
    asked = [one if one.place.name in unsure else replace(one, changed=None) for one in seen]
    groups, unlike = group_targets(asked, leave_drifted=True)
    norms = {group.first.history: group.first for group in groups}
    found = {
        one.name: DriftedTarget(one.name, one.detail, _compare(fleet, by_name[one.name], norms))
        for one in unlike
    }
    as_others = [by_name[one.place.name] for group in groups for one in group.members]
    changed = [
        DriftedTarget(one.place.name, UNLIKE_ITS_RUN, one.changed)
        for one in as_others
        if one.changed
    ]
    both = sorted([*found.values(), *changed], key=lambda one: one.name)
    return FleetDrift(
        fleet.environment.name, len(seen), tuple(both), tuple(sorted(odd, key=lambda one: one.name))
    )


def _compare(
    fleet: FleetWorkspace, seen: SeenTarget, norms: dict[tuple[object, ...], SeenTarget]
) -> tuple[str, ...]:
    """What a target has beside the others of its history, and what it lacks; where none of them is
    the one to be like, what its last run has not left so."""
    norm = norms.get(seen.history)
    if norm is None:
        return seen.changed or ()
    before, now = (_read_definitions(fleet, one) for one in (norm, seen))
    return tuple(f"{line[0]} {line[2:]}" for line in difflib.ndiff(before, now) if line[0] in "+-")


def _read_definitions(fleet: FleetWorkspace, seen: SeenTarget) -> tuple[str, ...]:
    """Those of a target; none of one that is gone in between."""
    try:
        with fleet.open_member(seen.place) as work:
            return work.engine.survey.read_definitions()
    except Interrupted:
        raise
    except (LockgateError, ServerError):
        return ()
