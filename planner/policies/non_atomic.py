"""The policy `non_atomic`: the plan can stop half-way for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner import decision
from lockgate.planner.decision import Answer, Decision

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

KEY = "non_atomic"
SETTING = Answer | None
DEFAULT = None
MEANING = "A plan that is NOT ATOMIC; null: deny, with `transaction: step` allow."
STRICTEST: Answer = "deny"


def judge(plan: Plan, setting: Answer | None) -> Decision | None:
    """One decision, with the place after which a failure leaves a part."""
    from lockgate.planner.guarantees.guarantee import NOT_ATOMIC

    if not plan.verdict.startswith(NOT_ATOMIC):
        return None
    if KEY in plan.accepted:
        reason = f"The plan is {plan.verdict}. It was accepted by `--allow-non-atomic`."
        return Decision(policy=KEY, answer="allow", reason=reason)
    answer = setting or STRICTEST
    if answer == "allow":
        return None
    return Decision(
        policy=KEY,
        answer=answer,
        reason=f"The plan is {plan.verdict}.",
        do="Change the migration, or plan in parts with `--to VERSION`. To accept it, give "
        "`--allow-non-atomic`, to `migrate apply` too, or set `policy: {non_atomic: warn}` in the "
        "environment.",
    )


def is_looser(setting: Answer | None, base: Answer | None) -> bool:
    """By the answers; null is `deny` here."""
    return decision.is_looser(setting or STRICTEST, base or STRICTEST)
