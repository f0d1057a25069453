"""An error that ends a command: for people on stderr, and as one JSON document on stdout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockgate.planner.errors import LockgateError, RunError
from lockgate.planner.passwords import hide_passwords
from lockgate.views.json import show_document
from lockgate.views.terminal import tell

if TYPE_CHECKING:
    from lockgate.executors.failure import Failure

CONTEXT = 10
"""Lines of a statement that are shown before and after the one that was refused."""


def show_text(error: LockgateError) -> None:
    """An error on stderr: what happened, the statement, why we stop, what to do."""
    head, _, _ = str(error).partition("\n")
    tell(f"Error: {head}", "bold red")
    for line in error.what.split("\n")[1:]:
        tell(line)
    if isinstance(error, RunError) and error.failure is not None:
        _show_failure(error.failure)  # type: ignore[arg-type]
    for part in (error.why, error.do, *getattr(error, "__notes__", ())):
        if part:
            tell(part)


def _show_failure(failure: Failure) -> None:
    error = failure.error
    if failure.statement is not None:
        tell("")
        shown = hide_passwords(failure.statement.sql)
        for number, line in enumerate(shown.split("\n"), failure.statement.line):
            if abs(number - failure.line) <= CONTEXT:
                tell(f"  {number:>5} | {line}")
            if number == failure.line and failure.column:
                tell(f"        | {_blank(line[: failure.column - 1])}^")
        tell("")
    for name, value in (("Detail", error.detail), ("Hint", error.hint)):
        if value:
            tell(f"{name}: {value}")


def _blank(text: str) -> str:
    """Nothing, as wide as the text: what is below it is below its end.

    >>> _blank("\\tab")
    '\\t  '
    """
    return re.sub(r"[^\t]", " ", text)


def show_json(error: LockgateError, code: int) -> None:
    """Why the document that was asked for is missing, as one document on stdout."""
    show_document(
        {
            "format": "lockgate-error",
            "format_version": "1.0",
            "exit_code": int(code),
            "message": error.what,
            "why": error.why,
            "do": error.do,
        }
    )
