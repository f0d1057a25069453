"""Plans as lockgate_runs records them, and what to do about one that is not to be trusted.

Asks no database: the store brings the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.errors import InvalidPlan, UnsupportedPlan
from lockgate.planner.plan.planfile import parse_plan

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan

WAY_OUT = (
    "Find out who has written to lockgate_runs. A run that stopped half-way goes on with `migrate "
    "apply FILE`, where its plan's file is at hand; else put the row's plan back from a backup."
)


def parse_recorded(text: str, run_id: str) -> Plan:
    """The plan that a run's row holds.

    Raises:
        InvalidPlan: it was altered since, or cannot be read.
    """
    try:
        return parse_plan(text.encode(), f"The plan of run {run_id}")
    except UnsupportedPlan as error:
        error.do = "Use the lockgate that has begun the run, or a later one."
        raise
    except InvalidPlan as error:
        error.do = WAY_OUT
        raise
