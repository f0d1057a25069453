"""`delimiter-left`: DELIMITER is not set back to `;` before the section ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject

CODE = "delimiter-left"
COMMAND = re.compile(r"[ \t]*delimiter[ \t]+(\S+)", re.IGNORECASE)


def find(subject: Subject) -> Iterator[Finding]:
    """One finding, at the last DELIMITER, where that is a command and the source is at hand."""
    if not subject.terms.dialect.delimiter_lines:
        return
    left = [(line, match[1]) for line, match in _commands(subject)][-1:]
    for line, delimiter in left:
        if delimiter.strip("'\"`") != ";":
            yield Finding(
                code=CODE,
                severity="warning",
                line=line,
                message=f"DELIMITER {delimiter} is not set back before the section ends.",
                why="lockgate begins each section with `;`, and the mysql client does not: it "
                "would take all that follows for one statement.",
                safer="DELIMITER ;",
            )


def _commands(subject: Subject) -> Iterator[tuple[int, re.Match[str]]]:
    """The DELIMITER lines that stand outside of every statement."""
    inside = {
        line
        for one in subject.statements
        for line in range(one.line, one.line + one.sql.count("\n") + 1)
    }
    for line, text in enumerate(subject.text.splitlines(), subject.first_line):
        match = COMMAND.match(text)
        if match and line not in inside:
            yield line, match
