"""The policy `out_of_order`: a migration runs after one that is after it in the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision, is_looser
from lockgate.planner.finding import LATE
from lockgate.planner.versions import is_numbered

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Answer
DEFAULT = "deny"
MEANING = "A pending migration before an applied one; `deny` makes no such plan (exit 10)."

__all__ = ["DEFAULT", "MEANING", "SETTING", "is_looser", "judge", "makes"]


def makes(setting: Answer) -> bool:
    """Whether a plan with late migrations is made at all."""
    return setting != "deny"


def judge(plan: Plan, setting: Answer) -> Decision | None:
    """One decision that names the late versions."""
    late = [
        step.version
        for step in plan.steps
        if any(finding.code == LATE for finding in step.findings)
    ]
    if not late or setting == "allow":
        return None
    return Decision(
        policy="out_of_order",
        answer=setting,
        reason=f"Out of order: {', '.join(late)}.",
        do="Give the late migrations a higher version."
        if all(map(is_numbered, late))
        else "Put the late migrations last where their order is kept.",
    )
