"""The policy `blocking_ddl`: others wait while the server works on all of a large table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from lockgate.planner import decision
from lockgate.planner.decision import Answer, Decision
from lockgate.planner.quantities import Size, format_size
from lockgate.planner.settings import Settings

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.statement import Touch


class BlockingDdl(Settings):
    """What to say of statements that keep a large table closed."""

    above: Size | None = Field(None, description="The size from which on it matters; null: any.")
    answer: Answer = Field("allow", description="What to say of it.")


SETTING = BlockingDdl
DEFAULT = BlockingDdl.model_construct()
MEANING = "Statements that keep others waiting while all of a table is worked on."


def judge(plan: Plan, setting: BlockingDdl) -> Decision | None:
    """One decision that names statements and tables; a table of unknown size counts."""
    if setting.answer == "allow":
        return None
    found = [f"{place} on {_name(touch)}" for place, touch in _long(plan, setting.above or 0.0)]
    if not found:
        return None
    return Decision(
        policy="blocking_ddl",
        answer=setting.answer,
        reason=f"Others wait for work on all of a table: {', '.join(found)}.",
        do="See the plan's findings for what does the same with less waiting.",
    )


def is_looser(setting: BlockingDdl, base: BlockingDdl) -> bool:
    """A milder answer, or the same for larger tables only."""
    if base.answer == "allow":
        return False
    return decision.is_looser(setting.answer, base.answer) or (setting.above or 0.0) > (
        base.above or 0.0
    )


def _long(plan: Plan, above: float) -> Iterator[tuple[str, Touch]]:
    for number, step in enumerate(plan.steps, 1):
        for place, statement in enumerate(step.statements, 1):
            for touch in statement.touches:
                if touch.is_long and (touch.bytes is None or touch.bytes >= above):
                    yield f"step {number} statement {place}", touch


def _name(touch: Touch) -> str:
    size = "unknown size" if touch.bytes is None else f"about {format_size(touch.bytes)}"
    return f"{touch.table} ({size})"
