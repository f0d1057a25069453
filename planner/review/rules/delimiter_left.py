"""`delimiter-left`: DELIMITER is not set back to `;` before the section ends."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject

CODE = "delimiter-left"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding, at the last DELIMITER, where the section's file is at hand."""
    if left := subject.delimiter_left:
        yield Finding(
            code=CODE,
            severity="warning",
            line=left.line,
            message=f"DELIMITER {left.delimiter} is not set back before the section ends.",
            why="lockgate begins each section with `;`, and the mysql client does not: it "
            "would take all that follows for one statement.",
            safer="DELIMITER ;",
        )
