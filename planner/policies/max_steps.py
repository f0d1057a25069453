"""The policy `max_steps`: how much one plan may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lockgate.planner.decision import Decision

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Annotated[int, Field(ge=1)] | None
DEFAULT = None
MEANING = "The most steps that a plan may have; null: any number."


def judge(plan: Plan, setting: int | None) -> Decision | None:
    """One decision on a plan that is too long; a baseline runs nothing."""
    running = sum(1 for step in plan.steps if step.statements)
    if setting is None or running <= setting:
        return None
    return Decision(
        policy="max_steps",
        answer="deny",
        reason=f"The plan has {running} steps, and at most {setting} are taken at once.",
        do="Plan in parts with `--to VERSION`.",
    )


def is_looser(setting: int | None, base: int | None) -> bool:
    """More steps than the base takes."""
    return base is not None and (setting is None or setting > base)
