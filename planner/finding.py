"""A finding: what a reviewer should know of a statement, and how much it matters.

Finds nothing and shows nothing: `lint` finds, the views show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lockgate.planner.value import frozen

# From the least to the most.
Severity = Literal["info", "warning", "danger"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "danger")
Tool = Literal["lockgate", "squawk"]
# The finding of a migration that runs after one that is after it in the files.
LATE = "out-of-order"
# Those of what a rehearsal has shown.
NOT_RESTORED = "not-restored"
NOT_REPEATABLE = "not-repeatable"
NOT_FORESEEN = "not-foreseen"
REHEARSED = frozenset({NOT_RESTORED, NOT_REPEATABLE, NOT_FORESEEN})
Code = Annotated[str, Field(pattern="^[a-z]+(-[a-z]+)*$")]


class Finding(BaseModel):
    """What one rule says of one statement, or of a section as a whole.

    `info` is good to know, `warning` may hurt, `danger` will: it loses data, fails, or stops
    others for as long as a large table takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    code: Code = Field(description="The rule; stable, and what `-- migrate:allow` names.")
    severity: Severity = Field(description="How much it matters; policies decide by it.")
    statement: int = Field(0, ge=0, description="From 1 in its section; 0: the section itself.")
    line: int = Field(ge=1, description="In the migration's file, from 1.")
    message: str = Field(description="What the statement does; for people.")
    why: str = Field(description="Why that matters; for people.")
    safer: str = Field("", description="SQL or advice that does the same with less risk.")
    tool: Tool = Field("lockgate", description="Whose rule it is.")
    allowed: str | None = Field(None, description="The reason of a waiver; null: not waived.")

    @property
    def is_refused(self) -> bool:
        """Whether a check fails for it: a danger without a waiver."""
        return self.severity == "danger" and self.allowed is None


@frozen
class Located:
    """A finding and where its reader finds it: a path with `/`, and the section's direction.

    `end` is the last line of its statement; the columns, from 1, are those of the first character
    on the finding's line and after the statement's last one, 0 where they are not known.
    """

    path: str
    direction: str
    finding: Finding
    end: int
    column: int = 0
    end_column: int = 0


def locate_finding(
    path: str,
    direction: str,
    finding: Finding,
    written: str,
    line: int,
    text: Sequence[str] = (),
) -> Located:
    """The finding at its statement, as written from this line of the text on; without the lines of
    the text there are no columns, and a finding of the section as a whole has none either.

    >>> note = Finding(code="a", severity="info", statement=1, line=2, message="", why="")
    >>> found = locate_finding("a.sql", "up", note, "select\\n 1", 2, ["-- x", "  select", " 1;"])
    >>> found.column, found.end, found.end_column
    (3, 3, 3)
    """
    if not finding.statement:
        return Located(path, direction, finding, finding.line)
    lines, end = written.split("\n"), line + written.count("\n")
    within = finding.line - line
    there = text[finding.line - 1 : finding.line]
    found = there[0].find(lines[within].strip()) if there and 0 <= within < len(lines) else -1
    if found < 0:
        return Located(path, direction, finding, max(end, finding.line))
    before = found if end == line else 0
    return Located(path, direction, finding, end, found + 1, before + len(lines[-1]) + 1)
