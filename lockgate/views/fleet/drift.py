"""Which targets of a fleet have drifted: for people, and as a document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from lockgate.views.fleet.text import show_odd
from lockgate.views.json import show_document
from lockgate.views.plan.review import count
from lockgate.views.terminal import say

if TYPE_CHECKING:
    from lockgate.executors.fleet.stand import FleetDrift

STYLES = {"+": "green", "-": "red"}


def show_text(found: FleetDrift) -> None:
    """Each target that has drifted with what differs, on stdout: `-` is expected, `+` is there."""
    compared = count(found.compared, "target")
    if not found.drifted:
        say(f"No drift: {compared} compared.", "green")
    else:
        say(f"{len(found.drifted):,} of {compared} drifted. - is expected, + is there:", "yellow")
    for one in found.drifted:
        say(f"  {one.name}: {one.detail}", "bold")
        for line in one.lines:
            say(f"    {line}", STYLES.get(line[0], ""))
    show_odd(found.odd, "Not compared")


def show_json(found: FleetDrift) -> None:
    """One document on stdout."""
    show_document(
        {
            "format": "lockgate-fleet-drift",
            "format_version": "1.0",
            "environment": found.environment,
            "compared": found.compared,
            "drifted": [asdict(one) for one in found.drifted],
            "odd": [one.model_dump() for one in found.odd],
        }
    )
