"""What targets have otherwise than their last run has left them.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.planner.errors import LockgateError
from lockgate.planner.value import replace

if TYPE_CHECKING:
    from lockgate.fleet.members import FleetWorkspace
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.fleet.grouping import SeenTarget
    from lockgate.planner.fleet.place import TargetPlace
    from lockgate.workspace import Workspace


def with_changes(
    fleet: FleetWorkspace, seen: Iterable[SeenTarget], whose: Iterable[SeenTarget]
) -> list[SeenTarget]:
    """All of them, and `whose` with what is changed there; one that is gone in between as it was
    seen."""
    ledgers = {one.place.name: one.ledger for one in whose}
    found: dict[str, tuple[str, ...] | None] = {}

    def look(place: TargetPlace) -> None:
        with suppress(LockgateError, ServerError), fleet.open_member(place) as work:
            found[place.name] = _read_changes(work, ledgers[place.name])

    seen = list(seen)
    fleet.each([one.place for one in seen if one.place.name in ledgers], look)
    return [replace(one, changed=found.get(one.place.name)) for one in seen]


def _read_changes(work: Workspace, ledger: Ledger) -> tuple[str, ...] | None:
    from lockgate.plans.rehearsal import read_changed, read_left

    left, _ = read_left(work, ledger)
    if left is None:
        return None
    return tuple(f"{one.object} {one.change}" for one in read_changed(work, ledger, left))
