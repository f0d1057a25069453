"""`lookalike-name`: a name is drawn like another one."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.hidden import is_lookalike
from lockgate.planner.review.section import Subject, report
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import Dialect

CODE = "lookalike-name"
LONGEST = 100_000
"""Characters of a statement in which names are looked for; what follows is data."""


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement, with the letters that are of another alphabet."""
    for statement in subject.statements:
        names = _lookalikes(statement.sql, subject.terms.dialect)
        if names:
            yield report(
                CODE,
                "danger",
                statement,
                f"Names that look like others: {', '.join(map(_spelled, names))}.",
                "A reviewer takes such a name for that of another object.",
                "Write each name in the letters of one alphabet.",
            )


def _lookalikes(sql: str, dialect: Dialect) -> tuple[str, ...]:
    """Each such name once."""
    if sql.isascii():
        return ()
    names = dict.fromkeys(one.name for one in read_tokens(sql[:LONGEST], dialect).rest())
    return tuple(filter(is_lookalike, names))


def _spelled(name: str) -> str:
    """The name, and as an escape each letter of it that is not ASCII."""
    return f"{name} ({name.encode('ascii', 'backslashreplace').decode()})"
