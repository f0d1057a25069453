"""A client of our own, for `migrate shell` where the server's is not installed.

It must not read SQL: what is typed goes to the server as it is, also several statements at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.keys import Timeouts

PROGRAM = "lockgate shell"


@frozen
class StatementAnswer:
    """What one statement gave: its columns and rows, or without columns how many it touched."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    touched: int


SendText = Callable[[str], Iterator[StatementAnswer]]
"""Sends a text, and gives the answer to each statement in it. Raises ServerError, Unreachable."""


@contextmanager
def small_client(address: DatabaseAddress, timeouts: Timeouts) -> Iterator[SendText]:
    """A session on a database for the block, in autocommit mode.

    Raises:
        Unreachable: no connection.
    """
    opened = _postgresql if address.engine == "postgresql" else _mysql
    connection, translated = opened(address, timeouts)
    with closing(connection):

        def ask(text: str) -> Iterator[StatementAnswer]:
            with translated(), connection.cursor() as cursor:
                cursor.execute(text)
                yield _answer(cursor)
                while cursor.nextset():
                    yield _answer(cursor)

        yield ask


def _postgresql(address: DatabaseAddress, timeouts: Timeouts) -> tuple[Any, Any]:
    from lockgate.executors.postgresql.connection import open_connection, translated

    return open_connection(address, PROGRAM, timeouts.connect), translated


def _mysql(address: DatabaseAddress, timeouts: Timeouts) -> tuple[Any, Any]:
    from pymysql.constants import CLIENT

    from lockgate.executors.mysql.connection import open_session, translated

    return open_session(address, timeouts, PROGRAM, {}, CLIENT.MULTI_STATEMENTS), translated


def _answer(cursor: Any) -> StatementAnswer:
    if not cursor.description:
        return StatementAnswer((), (), max(cursor.rowcount, 0))
    columns = tuple(str(column[0]) for column in cursor.description)
    rows = tuple(tuple(map(_shown, row)) for row in cursor.fetchall())
    return StatementAnswer(columns, rows, len(rows))


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
