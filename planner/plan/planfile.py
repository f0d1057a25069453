"""The plan file: writes a plan so that it can be trusted, and reads only such plans."""

from __future__ import annotations

from pathlib import Path

from lockgate.planner.document import (
    Kind,
    parse_document,
    read_document,
    render_document,
    write_document,
)
from lockgate.planner.errors import AlteredPlan
from lockgate.planner.plan.plan import FORMAT, FORMAT_VERSION, Plan, intent_digest
from lockgate.planner.plan.statement import statement_digest

REPLAN = "Make a new plan with `migrate plan`."
STAKE = "What would run is not what was reviewed."
PLAN = Kind(
    Plan, "plan", FORMAT, FORMAT_VERSION, REPLAN, "Choose another file with `-o FILE`.", STAKE
)


def render_plan(plan: Plan) -> str:
    """The plan as its file holds it."""
    return render_document(plan)


def write_plan(plan: Plan, path: Path) -> None:
    """Writes a plan file; see `write_document`."""
    write_document(plan, path, PLAN)


def read_plan(path: Path) -> Plan:
    """The plan in a file, its format and digests checked.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        InvalidPlan: it is not a plan, was altered, or has an unknown format.
    """
    plan = read_document(path, PLAN)
    refuse_contradiction(plan, str(path))
    return plan


def parse_plan(data: bytes, name: str) -> Plan:
    """The plan in JSON bytes; `name` says in errors where they came from."""
    plan = parse_document(data, name, PLAN)
    refuse_contradiction(plan, name)
    return plan


def refuse_contradiction(plan: Plan, name: str) -> None:
    """Raises AlteredPlan when the digests inside do not fit: promotion compares the intent digest
    alone."""
    statements = (
        statement for step in plan.steps for statement in (*step.statements, *(step.rollback or ()))
    )
    wrong = any(statement_digest(s.sql, s.copy_data) != s.digest for s in statements)
    if wrong or intent_digest(plan.steps) != plan.intent_digest:
        raise AlteredPlan(
            f"{name} contradicts itself: its {'statements do' if wrong else 'intent does'} "
            "not fit the digest beside it.",
            why=STAKE,
            do=REPLAN,
        )
