"""Handing out of a plan that was made: to its file, and to whoever looks on."""

from __future__ import annotations

from pathlib import Path

from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import write_plan
from lockgate.views.plan import json, text
from lockgate.views.terminal import say, tell


def hand_out(plan: Plan, out: Path, *, as_json: bool) -> None:
    """Writes the plan file and shows the plan; `-` makes stdout the file."""
    to_stdout = str(out) == "-"
    if not to_stdout:
        write_plan(plan, out)
    if as_json or to_stdout:
        json.show_plan(plan)
    else:
        text.show_plan(plan)
        if plan.is_applicable:
            say(f"\nApply it with: migrate apply {out}")
    if not to_stdout:
        tell(f"Written to {out}.")
