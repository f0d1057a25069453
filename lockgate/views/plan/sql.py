"""A plan as SQL that a person can read and a client can run, without lockgate's bookkeeping."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.plan.statement import Batch, PlannedStatement
from lockgate.planner.versions import titled

UTF8 = {
    "postgresql": "SET client_encoding = 'UTF8';",
    "mysql": "SET NAMES utf8mb4;",
    "mariadb": "SET NAMES utf8mb4;",
}
"""The text is UTF-8, whatever a client takes for granted."""
DELIMITERS = ("$$", "//", "||", "$lockgate$")


def render_sql(plan: Plan, done: int = 0) -> str:
    """The SQL of the plan's steps after the first `done`, for psql or the mysql client."""
    lines = [f"-- lockgate plan {plan.digest} for {plan.environment}", UTF8[plan.target.engine]]
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
    yield f"\n-- step {number}: {step.direction} {titled(step.version, step.name)} ({step.file})"
    for statement in step.statements:
        yield _terminated(statement, engine)


def _in_batches(statement: PlannedStatement, batch: Batch) -> str:
    """What no client can run: its bounds are filled batch after batch."""
    key, about = ", ".join(batch.key), f"about {batch.batches} batches" if batch.batches else ""
    head = f"-- in batches of {batch.size} rows by ({key}) of {batch.table.name}"
    lines = [f"{head}, {about}:" if about else f"{head}:"]
    lines += [f"--   {line}" for line in statement.sql.splitlines()]
    return "\n".join([*lines, *([f"-- until {batch.until}"] * bool(batch.until))])


def _terminated(statement: PlannedStatement, engine: str) -> str:
    sql = statement.sql
    if statement.batch is not None:
        return _in_batches(statement, statement.batch)
    if statement.online is not None:
        told = f"-- by a copy, with {statement.online.tool}:"
        return "\n".join((told, *(f"--   {line}" for line in sql.splitlines())))
    if statement.copy_data is not None:
        rows = f"{statement.copy_data.rstrip(chr(10))}\n" if statement.copy_data else ""
        return f"{sql};\n{rows}\\."
    if statement.condition is not None:
        return f"-- only if {statement.condition.met}:\n{_ended(sql, engine)}"
    return _ended(sql, engine)


def _ended(sql: str, engine: str) -> str:
    # The mysql client cuts at every `;`, inside a routine's body too.
    if engine != "postgresql" and ";" in sql:
        end = next(each for each in DELIMITERS if each not in sql)
        return f"DELIMITER {end}\n{sql}\n{end}\nDELIMITER ;"
    # A comment at the end would swallow the semicolon.
    last = sql.rpartition("\n")[2]
    return f"{sql}\n;" if "--" in last or "#" in last else f"{sql};"
