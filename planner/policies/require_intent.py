"""The policy `require_intent`: what is applied must do what was reviewed, statement for statement.

The release job makes its own plan; its intent digest is equal to the reviewed one's when it runs
the same SQL of the same migrations, on whatever database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Decision
from lockgate.planner.quantities import spell_digest

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.start import Start

SETTING = bool
DEFAULT = False
MEANING = "`apply` needs to know what was reviewed, with `--reviewed`."


def judge(plan: Plan, setting: bool) -> Decision | None:
    """Tells the reviewer that the intent counts."""
    if not setting:
        return None
    reason = f"`apply` must be given the reviewed intent, {spell_digest(plan.intent_digest)}."
    return Decision(policy="require_intent", answer="allow", reason=reason)


def judge_start(start: Start, setting: bool) -> Decision | None:
    """Denies another intent than the reviewed one, and where it is required also none."""
    if start.intent is None:
        return _deny("It was not said what was reviewed.") if setting else None
    return judge_intent(start.plan, start.intent)


def judge_intent(plan: Plan, intent: str) -> Decision | None:
    """Denies a plan that does not do what was reviewed."""
    if intent == plan.intent_digest:
        return None
    found, reviewed = spell_digest(plan.intent_digest), spell_digest(intent)
    return _deny(f"The plan's intent is {found}, and {reviewed} was reviewed.")


def is_looser(setting: bool, base: bool) -> bool:
    """Not required where the base requires it."""
    return base and not setting


def _deny(reason: str) -> Decision:
    return Decision(
        policy="require_intent",
        answer="deny",
        reason=reason,
        do="Give the reviewed plan or its intent digest: `--reviewed PLAN`. "
        "`migrate diff-plan REVIEWED PLAN` shows what differs.",
    )
