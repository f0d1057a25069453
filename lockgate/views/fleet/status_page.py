"""The state of a fleet as one HTML file: how far its last run is, and what holds each host."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lockgate.executors.fleet.crew import TargetState
from lockgate.planner.quantities import format_duration
from lockgate.planner.value import frozen
from lockgate.views.fleet.status import LEFT, STYLES, count_alike, summarise_stand
from lockgate.views.page import open_templates, render_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockgate.executors.fleet.stand import FleetStand, TargetStand

LONGEST = 500
"""Targets that are named one by one."""
ENDED = ("applied", "waiting")


@frozen
class HostStand:
    """A server: how many targets it has, how many of them the last run has not applied, and what
    keeps it from going on."""

    name: str
    targets: int
    left: int
    holds: str


def render_fleet_status(stand: FleetStand) -> str:
    """The page: needs no network and no script."""
    states = Counter(result.state.value for result in stand.results.values())
    return render_page(
        open_templates({}),
        "fleet_status",
        "",
        stand=stand,
        left=LEFT if stand.is_left else "",
        summary=summarise_stand(stand),
        applied=states.pop("applied", 0),
        total=len(stand.results),
        states=sorted(states.items()),
        estimate="" if stand.estimate is None else format_duration(round(stand.estimate)),
        counted=count_alike(stand.targets)[0],
        hosts=list(find_hosts(stand)),
        hindered=_find_hindered(stand),
        longest=LONGEST,
    )


def find_hosts(stand: FleetStand) -> Iterable[HostStand]:
    """Each server by name, where the targets say on which they are.

    >>> from lockgate.executors.fleet.stand import FleetStand, TargetStand
    >>> found = FleetStand("live", (TargetStand("a", "h:1", "pending"),), None, {}, None,
    ...                    {"h:1": "throttle.running"})
    >>> list(find_hosts(found))
    [HostStand(name='h:1', targets=1, left=0, holds='throttle.running')]
    """
    for host in sorted({one.host for one in stand.targets if one.host}):
        own = [one for one in stand.targets if one.host == host]
        noted = [stand.results[one.name] for one in own if one.name in stand.results]
        left = [one for one in noted if one.state is not TargetState.APPLIED]
        reasons = Counter(one.detail for one in left if one.detail).most_common(1)
        holds = stand.holds.get(host) or (reasons[0][0] if reasons else "")
        yield HostStand(host, len(own), len(left), holds)


def _find_hindered(stand: FleetStand) -> list[tuple[str, str, str]]:
    """The targets that a person must look at, by name, with their state and why."""
    return [
        (one.name, *told)
        for one in stand.targets
        for told in [_trouble(one, stand)]
        if told is not None
    ]


def _trouble(one: TargetStand, stand: FleetStand) -> tuple[str, str] | None:
    result = stand.results.get(one.name)
    if result is not None and result.state.value not in ENDED:
        return result.state.value, result.detail
    return None if one.state in (*STYLES, *ENDED) else (one.state, one.detail)
