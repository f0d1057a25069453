"""The policy `opaque`: a statement runs code that was not read for the reviewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision, is_looser

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

SETTING = Answer
DEFAULT = "allow"
MEANING = "Statements that run code which is not read: DO, CALL, EXECUTE, functions."

__all__ = ["DEFAULT", "MEANING", "SETTING", "is_looser", "judge"]


def judge(plan: Plan, setting: Answer) -> Decision | None:
    """One decision that names the statements."""
    found = [
        f"step {number} statement {place} ({statement.reading.kind})"
        for number, step in enumerate(plan.steps, 1)
        for place, statement in enumerate(step.statements, 1)
        if statement.reading and (statement.reading.opaque or statement.reading.unread)
    ]
    if not found or setting == "allow":
        return None
    return Decision(
        policy="opaque",
        answer=setting,
        reason=f"Code runs that is not read: {', '.join(found)}.",
        do="Write its statements out, or have somebody approve who has read the code.",
    )
