"""Whether the condition of a statement is met, by what the database holds right before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.events import Emit, StatementSkipped

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.plan.plan import Step
    from lockgate.planner.plan.statement import Condition

OF_TABLE = "where table_schema = %s and table_name = %s"
FIND = {
    "column": f"select 1 from information_schema.columns {OF_TABLE} and column_name = %s",
    "index": f"select 1 from information_schema.statistics {OF_TABLE} and index_name = %s limit 1",
    "constraint": (
        f"select 1 from information_schema.table_constraints {OF_TABLE} and constraint_name = %s"
    ),
}


def leaves_out(session: MySQLSession, number: int, step: Step, place: int, emit: Emit) -> bool:
    """Whether a statement's condition keeps it from running, which is reported."""
    statement = step.statements[place - 1]
    if statement.condition is None or _is_met(session, statement.condition):
        return False
    emit(StatementSkipped(number, step, place, statement))
    return True


def _is_met(session: MySQLSession, condition: Condition) -> bool:
    """What the section has set does not matter: the guard's session is asked."""
    schema = condition.table.qualifier or session.server.database
    values = (schema, condition.table.name, condition.part.name)
    return bool(session.observe(FIND[condition.part.kind], values)) == condition.exists
