"""`rebuilds-table`: every row is rewritten, though others can go on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding, Severity
from lockgate.planner.review.section import Subject, report

CODE = "rebuilds-table"
# No session waits, so it is a matter of disk, time and replicas: one grade below a lock.
MILDER: dict[Severity, Severity] = {"info": "info", "warning": "info", "danger": "warning"}


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each table that a statement rebuilds online."""
    for statement in subject.statements:
        for hold in statement.impact.holds:
            if hold.work != "rewrite" or hold.is_long or subject.is_new(hold.on, statement):
                continue
            yield report(
                CODE,
                MILDER[subject.grade(hold.on)],
                statement,
                f"{statement.impact.reading.kind.upper()} rebuilds {subject.describe(hold.on)}.",
                "It needs the table's size in disk space again, and replicas run it only when "
                "it has ended: they fall behind for as long.",
                "Leave out the clause that rebuilds, or do it in quiet hours.",
            )
