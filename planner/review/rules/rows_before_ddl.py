"""`rows-before-ddl`: rows are written, and DDL commits them before the section ends."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "rows-before-ddl"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding, at the first DDL after rows, where the server commits DDL by itself."""
    if subject.terms.dialect.transactional_ddl:
        return
    written: Reviewed | None = None
    for statement in subject.statements:
        impact = statement.impact
        if impact.reading.is_rows_only:
            written = statement
        elif written and impact.reading.commits == "itself" and impact.reading.is_definition:
            yield report(
                CODE,
                "warning",
                statement,
                f"It commits the rows that statement {written.place} has written.",
                "The server commits before each DDL statement, so a failure after it no longer "
                "rolls those rows back.",
                "Write the rows last, or in a migration of their own.",
            )
            return
