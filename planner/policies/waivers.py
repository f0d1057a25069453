"""The policy `waivers`: a file's author answers for what a lint rule says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lockgate.planner.decision import Decision, is_looser

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Literal["deny", "require-approval", "allow"]
DEFAULT = "allow"
MEANING = "A finding that the migration's file waives: `-- migrate:allow CODE reason`."
NAMED = 5

__all__ = ["DEFAULT", "MEANING", "SETTING", "is_looser", "judge"]


def judge(plan: Plan, setting: SETTING) -> Decision | None:
    """One decision that names the waivers with their reasons, also where they are allowed: a
    reviewer sees them first."""
    waived = dict.fromkeys(
        f"{finding.code} in {step.file}: {finding.allowed}"
        for step in plan.steps
        for finding in step.findings
        if finding.allowed is not None
    )
    if not waived:
        return None
    named = list(waived)
    more = f"; and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return Decision(
        policy="waivers",
        answer=setting,
        reason=f"Waived by the files themselves: {'; '.join(named[:NAMED])}{more}.",
        do="" if setting == "allow" else "Change the migration so that it needs no waiver.",
    )
