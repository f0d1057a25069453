"""`holds-password`: a password can be read in a statement."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.passwords import has_password
from lockgate.planner.review.section import Subject, report

CODE = "holds-password"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement; a hash in place of the password is none."""
    for statement in subject.statements:
        if has_password(statement.sql, subject.terms.dialect):
            yield report(
                CODE,
                "warning",
                statement,
                "It holds a password.",
                "Everyone who may read the file, the plan or lockgate's tables can read it, and so "
                "it is kept for good.",
                "Make the role without one, and set the password outside of migrations, as with "
                "`\\password` of psql.",
            )
