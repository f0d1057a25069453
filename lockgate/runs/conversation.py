"""A person and the small client: lines that are typed or piped, and answers as tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.programs.small_client import SendText, small_client
from lockgate.views.terminal import say, say_table, tell

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.keys import Timeouts

PROMPT = "> "


def converse(address: DatabaseAddress, timeouts: Timeouts, sql: str | None) -> int:
    """Sends `sql`, or what comes on stdin; 1 when the last of it has failed, else 0.

    Raises:
        Unreachable: no connection, or it is lost.
    """
    failed = False
    with small_client(address, timeouts) as ask:
        for text in _typed(address.database) if sql is None else (sql,):
            failed = not _answered(ask, text)
    return int(failed)


def _typed(database: str) -> Iterator[str]:
    """Each text that ends with a semicolon at the end of a line; from a pipe, all of it."""
    if not sys.stdin.isatty():
        yield sys.stdin.read()
        return
    tell("The server's own client is not installed. End SQL with `;`, and the session with Ctrl-D.")
    lines: list[str] = []
    while True:
        try:
            lines.append(input(f"{database}{PROMPT}" if not lines else PROMPT))
        except EOFError:
            return
        if lines[-1].rstrip().endswith(";"):
            yield "\n".join(lines)
            lines = []


def _answered(ask: SendText, text: str) -> bool:
    if not text.strip():
        return True
    try:
        for answer in ask(text):
            if answer.columns:
                say_table(answer.columns, answer.rows, [""] * len(answer.rows))
            else:
                say(f"{answer.touched} row{'' if answer.touched == 1 else 's'}")
    except ServerError as error:
        tell(f"Error: {error.message} ({error.code})")
        return False
    return True
