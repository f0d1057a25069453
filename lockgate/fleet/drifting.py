"""`migrate drift` of a fleet: which targets are not as the others of their history, or not as their
last run has left them.

Changes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.stand import DriftedTarget, FleetDrift
from lockgate.fleet.planning import Part, look_at
from lockgate.planner.errors import LockgateError
from lockgate.planner.fleet.grouping import SeenTarget, group_targets
from lockgate.plans.making import Request
from lockgate.workspace import load_migrations

if TYPE_CHECKING:
    from lockgate.fleet.members import FleetWorkspace
    from lockgate.workspace import Workspace


def find_fleet_drift(fleet: FleetWorkspace) -> FleetDrift:
    """How all targets compare.

    Raises:
        LockgateError: the migrations' files or the fleet's own database cannot be read.
    """
    directory = load_migrations(fleet.environment)
    seen, odd = look_at(fleet, directory, Part(fleet.find_places(), Request()))
    groups, unlike = group_targets(seen, leave_drifted=True)
    by_name = {one.place.name: one for one in seen}
    norms = {group.first.history: group.first for group in groups}
    found = {
        one.name: DriftedTarget(one.name, one.detail, _compare(fleet, by_name[one.name], norms))
        for one in unlike
    }
    as_others = [one for group in groups for one in group.members]
    changed = _find_changed(fleet, as_others)
    both = sorted([*found.values(), *changed], key=lambda one: one.name)
    return FleetDrift(
        fleet.environment.name, len(seen), tuple(both), tuple(sorted(odd, key=lambda one: one.name))
    )


def _compare(
    fleet: FleetWorkspace, seen: SeenTarget, norms: dict[tuple[object, ...], SeenTarget]
) -> tuple[str, ...]:
    """What a target has beside the others of its history, and what it lacks; empty where none of
    them is the one to be like."""
    norm = norms.get(seen.history)
    if norm is None:
        return ()
    before, now = (_read(fleet, one, _definitions) for one in (norm, seen))
    return tuple(f"{line[0]} {line[2:]}" for line in difflib.ndiff(before, now) if line[0] in "+-")


def _find_changed(fleet: FleetWorkspace, targets: Iterable[SeenTarget]) -> list[DriftedTarget]:
    """Those that are not as their last run has left them."""
    own = {one.place.name: one for one in targets}
    found: list[DriftedTarget] = []
    lock = Lock()

    def look(seen: SeenTarget) -> None:
        changed = _read(fleet, seen, lambda work: _changes(work, seen))
        if changed:
            detail = "its definitions are not those that its last run has left"
            with lock:
                found.append(DriftedTarget(seen.place.name, detail, changed))

    fleet.each([one.place for one in own.values()], lambda place: look(own[place.name]))
    return found


def _changes(work: Workspace, seen: SeenTarget) -> tuple[str, ...]:
    from lockgate.plans.rehearsal import read_changed, read_left

    left, _ = read_left(work, seen.ledger)
    found = read_changed(work, seen.ledger, left) if left else ()
    return tuple(f"{one.object} {one.change}" for one in found)


def _definitions(work: Workspace) -> tuple[str, ...]:
    return work.engine.survey.read_definitions()


def _read(
    fleet: FleetWorkspace, seen: SeenTarget, read: Callable[[Workspace], tuple[str, ...]]
) -> tuple[str, ...]:
    """What is read of a target; nothing of one that is gone in between."""
    try:
        with fleet.open_member(seen.place) as work:
            return read(work)
    except (LockgateError, ServerError):
        return ()
