"""`writes-every-row`: an UPDATE without a condition."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject, report

CODE = "writes-every-row"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each; none where a DELETE loses the rows, which is said elsewhere."""
    for statement in subject.statements:
        impact = statement.impact
        if not impact.reading.every_row or impact.loses:
            continue
        views = {table: view for view, table in impact.through}
        for table in impact.written:
            shown = f" that {views[table].name} shows" if table in views else ""
            if not subject.is_new(table, statement):
                yield report(
                    CODE,
                    subject.grade(table),
                    statement,
                    f"UPDATE without WHERE writes every row of {subject.describe(table)}{shown}.",
                    "What it sets has no old values afterwards. Each row stays locked until the "
                    "transaction ends, and its old version takes space until it is cleaned away.",
                    "Write in batches, each in a transaction of its own.",
                )
