"""`implicit-commit`: a statement that is no DDL commits the rows written before it."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "implicit-commit"


def find(subject: Subject) -> Iterator[Finding]:
    """One for each such statement; https://dev.mysql.com/doc/refman/en/implicit-commit.html"""
    if subject.terms.dialect.transactional_ddl:
        return
    written: Reviewed | None = None
    for statement in subject.statements:
        impact = statement.impact
        if impact.reading.is_rows_only:
            written = statement
        elif written and impact.reading.commits == "itself" and not impact.reading.is_definition:
            yield report(
                CODE,
                "warning",
                statement,
                f"{impact.reading.kind.upper()} commits what statement {written.place} wrote.",
                "It does not look like it, but from here on nothing before it is rolled back.",
                "Put it into a migration of its own, or before the rows are written.",
            )
            written = None
