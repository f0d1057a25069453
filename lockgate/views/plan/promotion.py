"""What a promotion does with each migration, for people."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.building.promotion import Origin, Prospect
from lockgate.views.terminal import say, say_table, tell

STYLES = {"promoted": "green", "already there": "", "held back": "yellow"}


def show_prospects(prospects: Sequence[Prospect], origin: Origin, name: str) -> None:
    """Each migration in both environments, and what the promotion does with it; on stdout."""
    rows = [(each.version, each.name, each.there, each.here, _outcome(each)) for each in prospects]
    headers = ("version", "name", origin.environment, name, "promotion")
    say_table(headers, rows, [STYLES[each.outcome] for each in prospects])
    for sentence in origin.rejected:
        tell(f"Warning: {sentence}", "yellow")
    say("")


def _outcome(prospect: Prospect) -> str:
    return f"{prospect.outcome}: {prospect.reason}" if prospect.reason else prospect.outcome
