"""`opaque-code`: a statement runs code that is in a string or the database, or stores what will."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject, report

CODE = "opaque-code"
RUNS = frozenset({"call", "do", "execute", "prepare"})
CONDITION = (
    " What only has to be added where it is missing needs no such code: write the ALTER TABLE "
    "below `-- migrate:if not exists column TABLE.COLUMN`."
)


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each."""
    for statement in subject.statements:
        if statement.impact.reading.opaque:
            yield report(
                CODE,
                "info",
                statement,
                f"{statement.impact.reading.kind.upper()} runs code that lockgate does not read.",
                "What that locks, loses or commits is not among the plan's locks, losses and "
                "findings, and no policy judges it.",
                "Read the code too. Where no loop is needed, write its statements out."
                + CONDITION * (statement.impact.reading.kind in RUNS),
            )
