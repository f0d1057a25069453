"""What MySQL and MariaDB are not given: texts and names that they would take otherwise than meant.

Asks the server nothing: the session knows its limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.executors.engine import Run

PACKET_HEAD = 1024  # bytes; more than what an INSERT adds to a text


def refuse_big(run: Run, limit: int) -> None:
    """Raises UsageError when a server that takes so many bytes at once would not take a statement
    of a plan."""
    for step in run.plan.steps:
        for statement in step.statements:
            if (size := len(statement.sql.encode()) + PACKET_HEAD) > limit:
                raise UsageError(
                    f"{step.file}:{statement.line}: the statement has {size} bytes, and the server "
                    f"takes at most {limit} at once.",
                    why="Nothing was run.",
                    do="Raise the server's max_allowed_packet, or divide the statement.",
                )


def refuse_percent(name: str) -> None:
    """Raises UsageError for a name that would be taken for a place of a parameter."""
    if "%" in name:
        raise UsageError(
            f"The database's name holds a %, which lockgate cannot use in its SQL: {name}.",
            do="Rename the database, or name another one for lockgate's tables under "
            "`history: {schema: …}` in the environment.",
        )
