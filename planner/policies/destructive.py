"""The policy `destructive`: data is lost with what the plan drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision, is_looser

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Answer
DEFAULT = "allow"
MEANING = "A plan with which data is lost."

__all__ = ["DEFAULT", "MEANING", "SETTING", "is_looser", "judge"]


def judge(plan: Plan, setting: Answer) -> Decision | None:
    """One decision that names what is lost."""
    from lockgate.planner.review.losses import find_losses, name_losses

    losses = find_losses(plan)
    if not losses or setting == "allow":
        return None
    return Decision(
        policy="destructive",
        answer=setting,
        reason=f"Data is lost: {name_losses(losses)}.",
        do="First release what no longer uses it, and drop it in a later plan.",
    )
