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
    """Nothing: the commands that make no file ask for the setting itself."""
    return None


def is_looser(setting: bool, base: bool) -> bool:
    """Not required where the base requires it."""
    return base and not setting
