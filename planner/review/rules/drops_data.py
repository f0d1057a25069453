"""`drops-data`: data is gone for good, and those who use it fail."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding
from lockgate.planner.reading.sizes import find_sized
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "drops-data"
GONE = "No rollback that comes later brings the data back, and what still reads it fails."
DROP_LATER = (
    "First release what no longer uses it; drop it in a later migration, with a backup at hand."
)
DELETED = "A later rollback does not bring the rows back."
COUNT_FIRST = (
    "First count the rows that go, in this table and in those that follow by their foreign keys. "
    "Copy what is still needed to a table of its own, or have a backup at hand."
)
EMPTIED = "The rows stay, and a later rollback does not bring back what these columns held."
KEEP_REFERENCES = (
    "First count the rows that refer to those that it changes. Copy which row refers to which to a "
    "table of its own, or have a backup at hand."
)
VALUES = ("values of", "characters of")
CUT = "The rows stay and their values do not: changing the type back does not bring them back."
KEEP_BESIDE = (
    "First count the values that the new type does not hold. Where any matter, add a column of "
    "the new type beside the old one, fill it, and drop the old one when nothing reads it."
)
COVERED_BY = frozenset(
    ["ban-drop-column", "ban-drop-database", "ban-drop-table", "ban-truncate-cascade"]
)


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement that loses data; in a way back only where rows are known."""
    for statement in subject.statements:
        severity = subject.grade_loss(statement.reached)
        if severity and _is_empty(statement, subject.terms.facts):
            severity = "info"
        lost = " and ".join(subject.lost_by(statement))
        if lost and severity:
            yield report(
                CODE,
                severity,
                statement,
                f"What is lost: {lost}.",
                *_told(statement),
            )


def _told(statement: Reviewed) -> tuple[str, str]:
    """Why that matters, and what to do, by what is lost: objects, rows, or what values hold."""
    effect = statement.impact.reading
    if effect.verb == "drop" or effect.columns_dropped:
        return GONE, DROP_LATER
    is_cut = all(one.startswith(VALUES) for one in statement.impact.loses)
    if not effect.is_definition:
        return (EMPTIED, KEEP_REFERENCES) if is_cut else (DELETED, COUNT_FIRST)
    is_cut = any(one.startswith(VALUES) for one in statement.impact.loses)
    return (CUT, KEEP_BESIDE) if is_cut else (GONE, DROP_LATER)


def _is_empty(statement: Reviewed, facts: Facts) -> bool:
    """Whether it deletes from tables that had no row when they were looked at."""
    found = [find_sized(one, facts) for one in statement.impact.written]
    is_of_rows = not statement.impact.reading.is_definition
    return is_of_rows and bool(found) and all(one is not None and not one.rows for one in found)
