"""`takes-along`: more goes than a statement drops by name, or what hangs on that keeps it.

https://www.postgresql.org/docs/current/ddl-depend.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.planner.finding import Finding
from lockgate.planner.reading.impact import Taken
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "takes-along"
NAMED = 12
UNSAID = (
    "The server drops it without a word in the migration, and what is made again later does not "
    "bring it back."
)
SAY = (
    "Drop each by a statement of its own, and make again what is still needed, in the way back too."
)
ASK = "What depends on it is known where a plan is made: read there what goes."
FIRST = "Change or drop these first, in the same migration."


def find(subject: Subject) -> Iterator[Finding]:
    """At most one finding for each statement."""
    for statement in subject.statements:
        if kept_by := statement.impact.kept_by:
            yield _kept(statement, kept_by)
        elif taken := subject.taken_by(statement):
            told = f"It takes along: {_name(taken)}."
            yield report(CODE, "warning", statement, told, UNSAID, SAY)
        elif _is_unknown(statement, subject):
            told = "What CASCADE takes along is not known."
            yield report(CODE, "info", statement, told, UNSAID, ASK)


def _kept(statement: Reviewed, kept_by: Sequence[Taken]) -> Finding:
    told = f"PostgreSQL refuses it: without CASCADE it is kept by {_name(kept_by)}."
    why = "By the database as it was asked, what hangs on it does not go with it."
    return report(CODE, "warning", statement, told, why, FIRST)


def _is_unknown(statement: Reviewed, subject: Subject) -> bool:
    """Whether CASCADE is said of what others may use, and no database was asked."""
    reading = statement.impact.reading
    cascades = any(
        one.action.startswith("drop ") and "cascade" in one.words
        and not subject.is_new(one.table, statement)
        for one in reading.clauses
    )  # fmt: skip
    return cascades and subject.terms.facts.names is None and not statement.is_own


def _name(taken: Sequence[Taken]) -> str:
    more = f", and {len(taken) - NAMED} more" if len(taken) > NAMED else ""
    return ", ".join(map(str, taken[:NAMED])) + more
