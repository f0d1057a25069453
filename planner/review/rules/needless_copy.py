"""`needless-copy`: a program is to copy a table for what the server does while others write."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject, report

CODE = "needless-copy"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement whose work the server itself does with nothing closed."""
    for statement in subject.statements:
        own = statement.by_server
        if not own or any(hold.blocks != "nothing" or not hold.certain for hold in own):
            continue
        yield report(
            CODE,
            "info" if any(hold.work == "rewrite" for hold in own) else "warning",
            statement,
            f"The server does this {statement.impact.reading.kind.upper()} itself while others "
            f"write: ALGORITHM={own[0].algorithm.upper()}.",
            "A copy by a program takes longer, needs the table's size on disk and slows each write "
            "by its triggers or by reading the binary log.",
            "Remove `-- migrate:online`; `migrate fix` writes the ALGORITHM that the server takes.",
        )
