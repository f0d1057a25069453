"""The policy `non_atomic`: what to do with a plan that can stop half-way for good."""

from __future__ import annotations

from typing import Literal

from planner.errors import Denied
from planner.guarantee import NOT_ATOMIC
from planner.plan import Plan, seal

Rule = Literal["deny", "warn", "allow"]


def judge_non_atomic(plan: Plan, rule: Rule) -> Plan:
    """The plan, with a warning where the rule wants one.

    Raises:
        Denied: the plan is not atomic, and the rule forbids that.
    """
    if rule == "allow" or not plan.verdict.startswith(NOT_ATOMIC):
        return plan
    if rule == "warn":
        warning = f"The plan is {plan.verdict}."
        return seal(plan.model_copy(update={"warnings": (*plan.warnings, warning)}))
    raise Denied(
        f"The plan is {plan.verdict}.",
        why="A failure behind that place would leave a part of it in the database, for good.",
        do="Change the migration, or plan in parts with `--to VERSION`. To accept it, give "
        "`--allow-non-atomic`, or set `non_atomic: warn` in the environment.",
    )
