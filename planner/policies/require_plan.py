"""The policy `require_plan`: only a plan file changes the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Decision

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = bool
DEFAULT = False
MEANING = "Refuse `migrate up` and `migrate down`, which make no plan file."


def judge(plan: Plan, setting: bool) -> Decision | None:
    """Nothing: a reader of a plan has one; `judge_unplanned` is for the others."""
    return None


def judge_unplanned(environment: str, setting: bool) -> Decision | None:
    """Denies a run that makes no plan file."""
    if not setting:
        return None
    return Decision(
        policy="require_plan",
        answer="deny",
        reason=f"The environment {environment} takes only reviewed plans.",
        do=f"Run `migrate plan -e {environment}`, have the plan reviewed, "
        "then `migrate apply plan.json`.",
    )


def is_looser(setting: bool, base: bool) -> bool:
    """Not required where the base requires it."""
    return base and not setting
