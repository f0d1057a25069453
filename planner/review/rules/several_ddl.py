"""`several-ddl`: each of a section's changes is seen by others before the next is made."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "several-ddl"
CHANGES = ("alter", "drop", "rename")


def find(subject: Subject) -> Iterator[Finding]:
    """One finding, at the second change, where the server commits DDL by itself."""
    if subject.terms.dialect.transactional_ddl or subject.direction == "down":
        return
    changes = [one for one in subject.statements if _changes(subject, one)]
    if len(changes) > 1:
        yield report(
            CODE,
            "info",
            changes[1],
            f"{len(changes)} statements of this section change what others already use.",
            "The server commits each by itself: others see the states between, and a failure "
            "is undone by compensation, not by a transaction.",
            "Write one ALTER TABLE with all clauses, or one migration for each.",
        )


def _changes(subject: Subject, statement: Reviewed) -> bool:
    effect = statement.impact.reading
    if effect.verb not in CHANGES or effect.temporary:
        return False
    return not all(subject.is_new(one, statement) for one in effect.objects)
