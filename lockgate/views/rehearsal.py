"""What a rehearsal has shown, for people; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lockgate.views.terminal import say

if TYPE_CHECKING:
    from planner.catalogue import Difference
    from planner.plan import Change, Plan, Rehearsal

STYLES = {"-": "red", "+": "green"}


def show_rehearsal(plan: Plan) -> None:
    """How the rehearsal went, on stdout; nothing where there was none."""
    seen = plan.rehearsal
    if seen is None:
        return
    say(f"\nRehearsed on {plan.target.engine} {seen.server_version}: {_times(seen)}.")
    if seen.restored and seen.repeatable:
        say("The way back restores what was there, and the plan can be run again.", "green")
    show_changes(seen.differences)
    show_changes(seen.unrepeated)


def _times(seen: Rehearsal) -> str:
    parts = (("there", seen.there_ms), ("back", seen.back_ms), ("again", seen.again_ms))
    return ", ".join(f"{name} {value} ms" for name, value in parts if value is not None)


def show_changes(changes: Iterable[Change | Difference]) -> None:
    """Each object with the lines of its diff, on stdout."""
    for each in changes:
        say(f"{each.object} ({each.change})", "yellow")
        for line in each.lines:
            say(f"  {line}", STYLES.get(line[:1], ""))
