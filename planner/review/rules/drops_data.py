"""`drops-data`: data is gone for good, and those who use it fail."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject, report

CODE = "drops-data"
COVERED_BY = frozenset(
    ["ban-drop-column", "ban-drop-database", "ban-drop-table", "ban-truncate-cascade"]
)


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement that loses data; in a way back only where rows are known."""
    for statement in subject.statements:
        severity = subject.grade_loss(statement.reached)
        lost = " and ".join(subject.lost_by(statement))
        if lost and severity:
            yield report(
                CODE,
                severity,
                statement,
                f"What is lost: {lost}.",
                "No rollback that comes later brings the data back, and what still reads it fails.",
                "First release what no longer uses it; drop it in a later migration, "
                "with a backup at hand.",
            )
