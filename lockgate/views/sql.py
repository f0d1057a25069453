"""A plan as SQL that a person can read and a client can run, without lockgate's bookkeeping."""

from __future__ import annotations

from collections.abc import Iterator

from planner.plan import Plan, PlannedStatement, Step

OTHER_DELIMITER = "$$"


def render_sql(plan: Plan, done: int = 0) -> str:
    """The SQL of the plan's steps after the first `done`, for psql or the mysql client."""
    lines: list[str] = [f"-- lockgate plan {plan.digest} for {plan.environment}"]
    opened: int | None = None
    for number, step in list(enumerate(plan.steps, 1))[done:]:
        if opened is not None and step.transaction != opened:
            lines.append("COMMIT;")
        if step.transaction is not None and step.transaction != opened:
            lines.append("BEGIN;")
        opened = step.transaction
        lines += _step(number, step, plan.target.engine)
    return "\n".join([*lines, *(["COMMIT;"] if opened is not None else [])])


def _step(number: int, step: Step, engine: str) -> Iterator[str]:
    yield f"\n-- step {number}: {step.direction} {step.version} {step.name} ({step.file})"
    for statement in step.statements:
        yield _terminated(statement, engine)


def _terminated(statement: PlannedStatement, engine: str) -> str:
    if statement.copy_data is not None:
        return f"{statement.sql};\n{statement.copy_data.rstrip(chr(10))}\n\\."
    # The mysql client cuts at every `;`, inside a routine's body too.
    if engine != "postgresql" and ";" in statement.sql:
        end = OTHER_DELIMITER
        return f"DELIMITER {end}\n{statement.sql}{end}\nDELIMITER ;"
    return f"{statement.sql};"
