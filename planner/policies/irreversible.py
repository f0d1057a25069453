"""The policy `irreversible`: a migration without a way back is applied, or passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision, is_looser

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Answer
DEFAULT = "allow"
MEANING = "A migration without a down section."

__all__ = ["DEFAULT", "MEANING", "SETTING", "is_looser", "judge"]


def judge(plan: Plan, setting: Answer) -> Decision | None:
    """One decision that names the versions without a way back, or those that a rollback passes
    over for that; a baseline runs nothing, and a repeatable migration needs none."""
    if setting == "allow":
        return None
    if skipped := [step.version for step in plan.steps if step.record and step.record.is_skip]:
        return Decision(
            policy="irreversible",
            answer=setting,
            reason=f"Passed over, without a way back: {', '.join(skipped)}.",
            do="Write a new migration that undoes what they have made.",
        )
    without = [
        step.version
        for step in plan.steps
        if step.direction == "up"
        and step.statements
        and step.rollback is None
        and not step.repeatable
    ]
    if not without:
        return None
    return Decision(
        policy="irreversible",
        answer=setting,
        reason=f"Without a way back: {', '.join(without)}.",
        do="Write what undoes them under `-- migrate:down`, or `-- migrate:down nothing` where "
        "there is nothing to undo.",
    )
