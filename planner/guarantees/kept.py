"""What stays of a plan that failed although its transaction is undone: its warnings tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

STAYS = ", which no ROLLBACK takes back: after a failure it stays so."


def kept_by(plan: Plan, step: int, statement: int) -> tuple[str, ...]:
    """What the plan has done for good when this statement of this step, both counted from 1, was
    the last that ran, 0 for all of that step's. Clauses: `001_a.sql:3 sets a sequence by setval`.
    """
    told = [warning for warning in plan.warnings if warning.endswith(STAYS)]
    if not told:
        return ()
    ran = tuple(
        f"{each.file}:{one.line} "
        for number, each in enumerate(plan.steps[:step], 1)
        for one in each.statements[: (statement or None) if number == step else None]
    )
    return tuple(warning.removesuffix(STAYS) for warning in told if warning.startswith(ran))
