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
        for table in impact.reading.tables_written:
            if not subject.is_new(table, statement):
                yield report(
                    CODE,
                    subject.grade(table),
                    statement,
                    f"UPDATE without WHERE writes every row of {subject.describe(table)}.",
                    "What it sets has no old values afterwards. Each row stays locked until the "
                    "transaction ends, and its old version takes space until it is cleaned away.",
                    "Write in batches, each in a transaction of its own.",
                )
