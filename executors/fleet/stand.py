"""The state of a fleet, as values; asks no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from lockgate.executors.fleet.coordinator import NotedRun
from lockgate.executors.fleet.crew import TargetResult
from lockgate.planner.fleet.fleet_plan import Odd
from lockgate.planner.value import frozen


@frozen
class TargetStand:
    """The state of a target: the last version that it has applied, how many are pending; `state`
    is `up to date`, `pending`, or why nothing can be planned for it, and `detail` what was found.
    `host` is the server that it is on."""

    name: str
    host: str
    state: str
    version: str = ""
    pending: int = 0
    serial: int = 0
    detail: str = ""


@frozen
class FleetStand:
    """A fleet: its targets by name, its newest run, and what is noted of that run's targets.
    `estimate` are the seconds that a run under way will still take, if that can be said, and
    `holds` what keeps a server from being given more targets, by its name. `is_left` when the run
    is noted as running and no driver is there: it was killed."""

    environment: str
    targets: tuple[TargetStand, ...]
    run: NotedRun | None
    results: dict[str, TargetResult]
    estimate: float | None = None
    holds: Mapping[str, str] = field(default_factory=dict)
    is_left: bool = False


@frozen
class DriftedTarget:
    """A target whose definitions are others than expected: by what that is known, and how they
    differ. Of a comparison with its last run, `lines` are the objects alone."""

    name: str
    detail: str
    lines: tuple[str, ...]


@frozen
class FleetDrift:
    """What has drifted, by name; how many targets were compared, and which could not be."""

    environment: str
    compared: int
    drifted: tuple[DriftedTarget, ...]
    odd: tuple[Odd, ...]
