"""The policy `in_parts`: the plan is several units, and a failure keeps those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner import decision
from lockgate.planner.decision import Answer, Decision

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

KEY = "in_parts"
SETTING = Answer
DEFAULT: Answer = "allow"
MEANING = "A plan that is ATOMIC IN PARTS: a failure keeps the units before it, and records them."


def judge(plan: Plan, setting: Answer) -> Decision | None:
    """One decision, with the number of the units."""
    from lockgate.planner.guarantees.guarantee import IN_PARTS

    if setting == "allow" or not plan.verdict.startswith(IN_PARTS):
        return None
    return Decision(
        policy=KEY,
        answer=setting,
        reason=f"The plan is {plan.verdict}.",
        do="Plan a unit at a time with `--to VERSION`, or set `policy: {in_parts: allow}` in the "
        "environment.",
    )


def is_looser(setting: Answer, base: Answer) -> bool:
    """By the answers."""
    return decision.is_looser(setting, base)
