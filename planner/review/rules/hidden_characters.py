"""`hidden-characters`: SQL holds characters that a reviewer does not see."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.hidden import DECEIVING, hidden_in, spell
from lockgate.planner.review.section import Subject, report

CODE = "hidden-characters"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement; a danger where the text reads as another one."""
    for statement in subject.statements:
        found = hidden_in(statement.sql)
        if found:
            yield report(
                CODE,
                "danger" if any(map(DECEIVING.match, found)) else "warning",
                statement,
                f"Characters that are not seen: {' '.join(map(spell, sorted(found)))}.",
                "What a reviewer reads is not what the server does.",
                "Take them out, or write them as escapes where they are data.",
            )
