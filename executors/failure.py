"""What the server said when it refused a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.passwords import hide_in_message
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Step
    from lockgate.planner.plan.statement import PlannedStatement


class ServerError(Exception):
    """An error as a server reports it.

    `code` is the SQLSTATE on PostgreSQL and the error number on MySQL and MariaDB.
    `position` counts characters of the statement from 1, and `line` its lines from 1;
    0 means that the server did not say. `near` is the statement from where it could not be read,
    as MySQL and MariaDB repeat it. It is never shown: passwords are hidden in all that is.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        detail: str = "",
        hint: str = "",
        position: int = 0,
        line: int = 0,
        near: str | None = None,
    ) -> None:
        self.code = code
        self.message = hide_in_message(message)
        self.detail = hide_in_message(detail)
        self.hint = hide_in_message(hint)
        super().__init__(f"{self.message} ({code})")
        self.position = position
        self.line = line
        self.near = near


RIGHTS = frozenset({"42501", "1044", "1142", "1143", "1227", "1370"})
"""What a server says to a role that may not, on PostgreSQL and on MySQL and MariaDB."""
NO_ROLE = frozenset({"42704", "1133", "1410"})
ENCODING = frozenset({"22021", "22P05", "1366"})


def advice(refused: ServerError, grant: str) -> str:
    """What to do when the server refuses what lockgate itself asks: `grant` is about rights, and
    no help where the server complains of something else."""
    if refused.code in RIGHTS:
        return grant
    if refused.code in NO_ROLE:
        return (
            "A role of `history: {readers: …}` is not there. Make it, or take it out of the "
            "environment. Where lockgate's tables are made by now, `migrate doctor`, run as that "
            "role, says the GRANT that it lacks."
        )
    if refused.code in ENCODING:
        return (
            "A name, of a file or of an object in the database, has a character that the "
            "database's encoding does not have or does not know. Rename it."
        )
    return (
        "See whether something in the database refuses it, such as an event trigger, a full disk "
        f"or a read-only setting. If it is a right: {grant[0].lower()}{grant[1:]}"
    )


class StepFailed(Exception):
    """The server refused a statement. `kept` are the numbers of the statements of its step
    that stay done; what else its unit had done was undone. `unsure` says that the refused
    statement itself may have done part of its work, `left` what is seen of it, as a sentence.
    `written` are tables in which other sessions have written since the unit began."""

    def __init__(
        self,
        failure: Failure,
        kept: tuple[int, ...] = (),
        unsure: bool = False,
        left: str = "",
        written: tuple[str, ...] = (),
    ) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.kept = kept
        self.unsure = unsure
        self.left = left
        self.written = written


class NotReached(Exception):
    """A step in batches has passed all keys, and the last walk has changed no row; and yet the
    condition of its `until` does not hold."""

    def __init__(self, step: Step, condition: str, batches: int) -> None:
        super().__init__(condition)
        self.step = step
        self.condition = condition
        self.batches = batches


@frozen
class Failure:
    """A statement that the server refused, in a step of a plan.

    `place` counts the step's statements from 1. It is 0 for what lockgate adds, the history's
    row and the commit; `statement` is None then.
    """

    number: int
    step: Step
    place: int
    statement: PlannedStatement | None
    error: ServerError

    @property
    def line(self) -> int:
        """The line of the migration's file that the server points at; 0 for none."""
        if self.statement is None:
            return 0
        if self.error.position:
            return self.statement.line + self._before.count("\n")
        return self.statement.line + max(self.error.line - 1, 0)

    @property
    def column(self) -> int:
        """The column, from 1, that the server points at; 0 when it does not.

        On the statement's first line it is counted from the statement's begin.
        """
        if self.statement is None or not self.error.position:
            return 0
        return len(self._before.rpartition("\n")[2]) + 1

    @property
    def can_run_again(self) -> bool:
        """Whether applying the plan again is right, though the statement may have done a part."""
        reading = self.statement.reading if self.statement else None
        return reading is not None and reading.settles

    @property
    def _before(self) -> str:
        position = self.error.position
        return self.statement.sql[: position - 1] if self.statement and position else ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.step.file, self.line, self.column) if part)
        return f"{place}: {self.error.message} ({self.error.code})"
