"""The policy `rollback`: the plan rolls migrations back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision, is_looser

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Answer
DEFAULT = "allow"
MEANING = "A plan that rolls back."

__all__ = ["DEFAULT", "MEANING", "SETTING", "is_looser", "judge"]


def judge(plan: Plan, setting: Answer) -> Decision | None:
    """One decision that names the versions that go."""
    going = [
        step.version
        for step in plan.steps
        if step.direction == "down" and (step.record is None or step.record.is_skip)
    ]
    if not going or setting == "allow":
        return None
    return Decision(
        policy="rollback",
        answer=setting,
        reason=f"Rolled back: {', '.join(going)}.",
        do="Write a new migration that undoes them, and roll forward.",
    )
