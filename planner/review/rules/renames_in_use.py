"""`renames-in-use`: a table or a column gets another name while programs use the old one."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "renames-in-use"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each name that goes; squawk finds those of PostgreSQL."""
    if subject.terms.dialect.transactional_ddl:
        return
    for statement in subject.statements:
        for old, new in _renames(subject, statement):
            yield report(
                CODE,
                "warning",
                statement,
                f"{old} is renamed to {new}.",
                "Programs that run now use the old name, and fail until they are all replaced.",
                "Add the new one, write both, move the readers, and drop the old one later; "
                "for a table leave a view with the old name.",
            )


def _renames(subject: Subject, statement: Reviewed) -> Iterator[tuple[str, str]]:
    effect = statement.impact.reading
    for old, new in effect.renames:
        if not subject.is_new(old, statement):
            yield old.name, new.name
    for before, after in effect.columns_renamed:
        table = effect.objects[0]
        if not subject.is_new(table, statement):
            yield f"{table.name}.{before}", after
