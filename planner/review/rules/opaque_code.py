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


FIRED = "What that writes, locks or refuses is not among the plan's locks, losses and findings."
READ_IT = "Read the code too. On PostgreSQL, `DISABLE TRIGGER` by its name keeps it from running."
READ_THEM = "Read their functions too: they may refuse a statement, or run others."


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement that says so, and for what writes and DDL set off once."""
    yield from _run(subject)
    yield from _fired(subject)
    yield from _watched(subject)


def _fired(subject: Subject) -> Iterator[Finding]:
    told = set[str]()
    for statement in subject.statements:
        fired = [one for one in statement.impact.fires if one not in told]
        told.update(fired)
        if fired:
            what = f"{statement.impact.reading.kind.upper()} runs code that lockgate does not read"
            yield report(CODE, "info", statement, f"{what}: {', '.join(fired)}.", FIRED, READ_IT)


def _watched(subject: Subject) -> Iterator[Finding]:
    names = subject.terms.facts.names
    watching = names.event_triggers if names else ()
    first = next((one for one in subject.statements if one.impact.reading.is_definition), None)
    if watching and first:
        told = f"Event triggers of the database run with DDL: {', '.join(watching)}."
        yield report(CODE, "info", first, told, FIRED, READ_THEM)


def _run(subject: Subject) -> Iterator[Finding]:
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
