"""`foreign-keys-off`: rows are written while no foreign key looks at them.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding
from lockgate.planner.reading.reading import Object
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "foreign-keys-off"
TRIGGERS = "disable trig all"
ROLE = "session_replication_role"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement that switches the triggers of foreign keys off."""
    for statement in subject.statements:
        if done := _switched_off(subject, statement):
            yield report(
                CODE,
                "warning",
                statement,
                f"{done} switches foreign keys off too.",
                "What is written meanwhile is never looked up: rows without their parent stay, "
                "and the constraint still counts as valid.",
                "DISABLE TRIGGER USER switches only the triggers of users off.",
            )


def _switched_off(subject: Subject, statement: Reviewed) -> str:
    reading = statement.impact.reading
    if reading.settings.get(ROLE, "").strip("' ").lower() == "replica":
        return f"{ROLE} = replica"
    for clause in reading.clauses:
        is_new = subject.is_new(clause.table, statement)
        if (
            clause.action == TRIGGERS
            and not is_new
            and _may_refer(clause.table, subject.terms.facts)
        ):
            return f"DISABLE TRIGGER ALL on {clause.table.name}"
    return ""


def _may_refer(table: Object, facts: Facts) -> bool:
    """Whether a foreign key goes from or to a table, as far as it is known."""
    known = find_table(table, facts)
    if known is None or known.layout is None:
        return True
    return bool(known.layout.referrers) or any(
        one.kind == "foreign" for one in known.layout.constraints.values()
    )
