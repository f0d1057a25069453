"""What a plan changes in the schema, for people: in a terminal, and as a part of a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from lockgate.planner.review.schema_changes import SchemaChange
from lockgate.views.markup import fenced
from lockgate.views.terminal import say

HEADING = "What changes in the schema"
STYLES = {"+": "green", "-": "red", "~": "yellow"}
SIGNS = {"added": "+", "removed": "-", "changed": "~"}
SHOWN = 40
"""Lines that a terminal shows."""
SHOWN_OF_ONE = 12
"""Lines of one object that a terminal or a comment shows."""
SHARE = 8_000
"""Characters of a comment that they may take."""
WIDTH = 160
"""Characters of a line that a comment shows."""


def show_schema_changes(changes: Sequence[SchemaChange]) -> None:
    """Each object under a sign of its own, on stdout; nothing where there are none."""
    if not changes:
        return
    say(f"{HEADING[0].lower()}{HEADING[1:]}, {source(changes)}")
    lines = [line for change in changes for line in _lines(change)]
    for line in lines[:SHOWN]:
        say(f"  {line}", STYLES.get(line.lstrip()[:1], ""))
    if len(lines) > SHOWN:
        say(f"  … and {len(lines) - SHOWN} more lines")
    say("")


def render_schema_changes(changes: Sequence[SchemaChange]) -> str:
    """The part of a comment with its heading; empty where there are none."""
    if not changes:
        return ""
    lines = [line[:WIDTH] for change in changes for line in _lines(change)]
    fitting = sum(size <= SHARE for size in accumulate(len(line) + 1 for line in lines))
    left = len(lines) - fitting
    note = [f"… and {left} more lines"] if left else []
    diff = fenced("\n".join([*map(_as_diff, lines[:fitting]), *note]), "diff")
    how = source(changes)
    return f"#### {HEADING}\n\n{how[0].upper()}{how[1:]}:\n\n{diff}"


def source(changes: Iterable[SchemaChange]) -> str:
    """How it is known, as a phrase.

    >>> source([SchemaChange("table t", "added", seen=True), SchemaChange("view v", "removed")])
    'as rehearsed; what the rehearsal did not show, as the SQL says'
    """
    seen = {change.seen for change in changes}
    if seen == {True}:
        return "as rehearsed"
    told = "as the SQL says"
    return f"as rehearsed; what the rehearsal did not show, {told}" if True in seen else told


def _lines(change: SchemaChange) -> Iterator[str]:
    """The object, then what of it, deeper; a name cannot begin a line of its own."""
    yield f"{SIGNS[change.change]} {change.object}".replace("\n", "⏎")
    yield from (f"  {line}".replace("\n", "⏎") for line in change.lines[:SHOWN_OF_ONE])
    if (more := len(change.lines) - SHOWN_OF_ONE) > 0:
        yield f"    … and {more} more lines"


def _as_diff(line: str) -> str:
    """A line with its sign in the first column, which is what a diff colours.

    >>> _as_diff("~ table t"), _as_diff("  + column a")
    ('! table t', '+   column a')
    """
    inner = line.lstrip()
    sign, text = inner[:1], inner[1:].lstrip()
    indent = " " * (len(line) - len(inner))
    if sign not in STYLES:
        return f"  {line}"
    return f"{'!' if sign == '~' else sign} {indent}{text}"
