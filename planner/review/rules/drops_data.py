"""`drops-data`: data is gone for good, and those who use it fail."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "drops-data"
COVERED_BY = frozenset(
    ["ban-drop-column", "ban-drop-database", "ban-drop-table", "ban-truncate-cascade"]
)


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement that loses data; in a way back only where rows are known."""
    for statement in subject.statements:
        if _drops_nothing(statement, subject.terms.facts):
            continue
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


def _drops_nothing(statement: Reviewed, facts: Facts) -> bool:
    """Whether it drops what is not there, where the tables of the database are known: policies
    judge it all the same, as the table may be there when the plan is applied."""
    effect = statement.impact.reading
    is_careful = effect.verb == "drop" and effect.conditional and facts.known
    return is_careful and not any(find_table(one, facts) for one in effect.objects)
