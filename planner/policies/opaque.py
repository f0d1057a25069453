"""The policy `opaque`: a statement runs code that was not read for the reviewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision, is_looser

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.statement import PlannedStatement, StatementReading

SETTING = Answer
DEFAULT = "allow"
MEANING = "Statements that run code which is not read: DO, CALL, EXECUTE, functions, triggers."

__all__ = ["DEFAULT", "MEANING", "SETTING", "is_looser", "judge"]


def judge(plan: Plan, setting: Answer) -> Decision | None:
    """One decision that names the statements."""
    found = [
        f"step {number} statement {place} ({_spell(statement, statement.reading)})"
        for number, step in enumerate(plan.steps, 1)
        for place, statement in enumerate(step.statements, 1)
        if statement.reading and _is_opaque(statement, statement.reading)
    ]
    if not found or setting == "allow":
        return None
    return Decision(
        policy="opaque",
        answer=setting,
        reason=f"Code runs that is not read: {', '.join(found)}.",
        do="Write its statements out, or have somebody approve who has read the code.",
    )


def _is_opaque(statement: PlannedStatement, reading: StatementReading) -> bool:
    return reading.opaque or bool(reading.unread) or bool(statement.fires)


def _spell(statement: PlannedStatement, reading: StatementReading) -> str:
    """What it is, and what it sets off."""
    return ", ".join((reading.kind, *statement.fires))
