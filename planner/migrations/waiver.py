"""A waiver: `-- migrate:allow CODE reason`, by which a file's author answers for a finding.

Knows no rule: whether the code is one, `lint` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.hidden import is_visible
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.sql.statements import Directive

CODE = re.compile(r"[a-z]+(?:-[a-z]+)*")


@frozen
class Waiver:
    """Of the findings with this code: `statement` is the one's place in its section, from 1;
    0: every statement of the file."""

    code: str
    reason: str
    line: int
    statement: int = 0


def read_waiver(directive: Directive, statement: int = 0) -> Waiver:
    """The waiver that an `allow` directive spells.

    Raises:
        MigrationFileError: it names no code, or gives no reason.
    """
    # An invisible reason is none.
    _, code, reason = [*directive.text.split(maxsplit=2), "", ""][:3]
    if CODE.fullmatch(code) and is_visible(reason):
        return Waiver(code, reason, directive.line, statement)
    raise MigrationFileError(
        f"`allow {code}` gives no reason" if CODE.fullmatch(code) else "`allow` names no finding",
        line=directive.line,
        why="A waiver is shown to the reviewer with its reason." if code else "",
        do=f"Write `-- migrate:allow {code if CODE.fullmatch(code) else 'CODE'} why it is fine`.",
    )
