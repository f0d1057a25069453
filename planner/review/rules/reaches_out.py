"""`reaches-out`: a statement reaches outside of its database, or changes who may do what there."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject, report

CODE = "reaches-out"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement; good to know where it is about rights alone."""
    for statement in subject.statements:
        reading = statement.impact.reading
        if reading.reaches_out:
            yield report(
                CODE,
                "danger",
                statement,
                f"It {' and '.join(reading.reaches_out)}.",
                "What that does is not among the plan's losses and locks, nothing undoes it, and "
                "it may serve its author.",
                "Do it outside of migrations, by a person who has the right to.",
            )
        elif reading.changes_rights:
            yield report(
                CODE,
                "info",
                statement,
                "It changes who may do what, or what later sessions begin with.",
                "A reviewer of the schema is asked to decide about rights too.",
                "See that the role, and the right or the setting, is meant. PUBLIC is every role.",
            )
