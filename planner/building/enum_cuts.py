"""Where a plan is cut in two transactions, as PostgreSQL wants a new value of an enum committed
before it is used.

Numbers no transaction: `planner.building.build` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import PlannedStatement


def cut_for_enums(steps: Sequence[Step], version: int = 0) -> dict[int, str]:
    """The places, from 0, of the steps that use a value which a step before them adds in what
    would be the same transaction, and as a clause why the plan is cut there; `version` is the
    server's."""
    if not any(_kind(one) == "alter type" for step in steps for one in step.statements):
        return {}
    from lockgate.planner.reading.postgresql.enums import NewValues

    cuts: dict[int, str] = {}
    values = NewValues(version)
    for place, step in enumerate(steps):
        if step.transaction is None:
            values = NewValues(version)
            continue
        for one in step.statements:
            used = values.used_by(one.sql, one.copy_data)
            if used is not None:
                cuts[place] = (
                    f"{step.file}:{one.line} may use the enum value '{used}', which must be "
                    "committed before"
                )
                values = NewValues(version)
                break
        for one in step.statements:
            values.follow(one.sql, _kind(one))
    return cuts


def _kind(statement: PlannedStatement) -> str:
    return statement.reading.kind if statement.reading else ""
