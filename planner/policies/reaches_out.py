"""The policy `reaches_out`: a statement runs programs, uses the server's files, or connects out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from lockgate.planner import decision
from lockgate.planner.decision import Answer, Decision
from lockgate.planner.settings import Settings

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.statement import StatementReading


class ReachesOut(Settings):
    """What to say of statements whose effects are not in the schema alone."""

    answer: Answer = Field("warn", description="Of programs, files, settings, servers and code.")
    rights: Answer = Field(
        "allow",
        description="Of GRANT, roles, owners, and settings of later sessions.",
    )


SETTING = ReachesOut
DEFAULT = ReachesOut.model_construct()
MEANING = "Statements that reach outside of their database, or change who may do what."


def judge(plan: Plan, setting: ReachesOut) -> Decision | None:
    """One decision that names the statements, with the stricter answer."""
    found = [
        (answer, f"{place} {does}")
        for place, reading in _readings(plan)
        for answer, does in _told(reading, setting)
        if answer != "allow"
    ]
    if not found:
        return None
    return Decision(
        policy="reaches_out",
        answer=max((answer for answer, _ in found), key=decision.ANSWERS.index),
        reason=f"It is not the schema alone: {'; '.join(each for _, each in found)}.",
        do="Take it out of the migration, and have a person do it who has the right to.",
    )


def is_looser(setting: ReachesOut, base: ReachesOut) -> bool:
    """Either answer."""
    return decision.is_looser(setting.answer, base.answer) or decision.is_looser(
        setting.rights, base.rights
    )


def _readings(plan: Plan) -> list[tuple[str, StatementReading]]:
    return [
        (f"step {number} statement {place}", statement.reading)
        for number, step in enumerate(plan.steps, 1)
        for place, statement in enumerate(step.statements, 1)
        if statement.reading
    ]


def _told(reading: StatementReading, setting: ReachesOut) -> list[tuple[Answer, str]]:
    told = [(setting.answer, does) for does in reading.reaches_out]
    return [*told, (setting.rights, "changes rights")] if reading.changes_rights else told
