"""Handing out of a plan that was made: to its file, and to whoever looks on."""

from __future__ import annotations

from pathlib import Path

from lockgate.planner.errors import UsageError
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import write_plan
from lockgate.trust.approvals import own_signature, sign_plan
from lockgate.views.plan import json, text
from lockgate.views.terminal import say, tell


def refuse_unsignable(out: Path, key: Path | None) -> None:
    """Raises UsageError, before anything is asked, when a plan could not be signed so."""
    if key is not None and str(out) == "-":
        raise UsageError(
            "A plan on stdout has no signature beside it.", do="Name a file: `-o plan.json`."
        )


def hand_out(plan: Plan, out: Path, *, as_json: bool, key: Path | None = None) -> None:
    """Writes the plan file and shows the plan; `-` makes stdout the file. With a key its signature
    is written beside it; without one an older signature there is removed, as it signs no more."""
    to_stdout = str(out) == "-"
    if not to_stdout:
        own_signature(out).unlink(missing_ok=True)
        write_plan(plan, out)
        if key is not None:
            tell(f"Signed in {sign_plan(plan, out, key)}.")
    if as_json or to_stdout:
        json.show_plan(plan)
    else:
        text.show_plan(plan)
        if plan.is_applicable:
            say(f"\nApply it with: migrate apply {out}")
    if not to_stdout:
        tell(f"Written to {out}.")
