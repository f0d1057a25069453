"""The policy `findings`: a lint rule calls something a danger, and no waiver answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner import decision
from lockgate.planner.decision import Answer, Decision

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Answer | None
DEFAULT = None
MEANING = "Dangers that no waiver answers for; null: plans pass, `migrate lint` fails."


def judge(plan: Plan, setting: Answer | None) -> Decision | None:
    """One decision that names the findings."""
    dangers = [
        f"{finding.code} (step {number})"
        for number, step in enumerate(plan.steps, 1)
        for finding in step.findings
        if finding.is_refused
    ]
    if not dangers or setting in (None, "allow"):
        return None
    return Decision(
        policy="findings",
        answer=setting,
        reason=f"Dangers: {', '.join(dict.fromkeys(dangers))}.",
        do="Change the migration, or answer for it there: `-- migrate:allow CODE reason`.",
    )


def fails_lint(setting: Answer | None) -> bool:
    """Whether `migrate lint` ends with an error by what a plan would be denied for."""
    return setting in (None, "deny")


def is_looser(setting: Answer | None, base: Answer | None) -> bool:
    """By the answers; null is `allow` here."""
    return decision.is_looser(setting or "allow", base or "allow")
