"""Poolers between us and PostgreSQL: whether there is one, and whether it shares its sessions.

It must set nothing on a session before that is known: a pooler hands it to others as it was left.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import psycopg

from lockgate.executors.polling import poll
from lockgate.executors.postgresql.connection import translated
from lockgate.executors.postgresql.own_settings import RESET
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lockgate.executors.postgresql.connection import Connection

PID = "select pg_catalog.pg_backend_pid()"
IF_OURS = " where pg_catalog.pg_backend_pid() operator(pg_catalog.=) %s"
"""Ends a query that sets nothing unless this process answers it."""
SECOND_WAIT = 2.0
"""Seconds within which a pooler that shares lets a second client use the session of an idle one."""


def find_process(
    connection: Connection, pooler: str | None, connect: Callable[[], Connection]
) -> tuple[int, bool]:
    """The server's process that is to answer us, and whether a pooler gave it to us. It is the one
    that greeted us unless the environment tells of a pooler; `connect` makes a second connection.

    Raises:
        UsageError: the pooler gives it to others too.
    """
    greeted = connection.info.backend_pid
    if pooler is None:
        return greeted, False
    with translated():
        row = connection.execute(PID).fetchone()
    assert row is not None
    pid = int(row[0])
    if pid != greeted:
        _refuse_shared(pid, connect)
    return pid, pid != greeted


def unknown_pooler() -> UsageError:
    """The error of a pooler that the environment does not tell of. One makes up the number of the
    process by which a client cancels, so it is not the number that the server tells.

    https://www.postgresql.org/docs/current/protocol-message-formats.html (BackendKeyData)
    """
    return UsageError(
        "The connection goes through a pooler, which may share server sessions among clients.",
        why="The migration lock belongs to a session. Nothing was set on it.",
        do="Connect to the server itself; or, where the pooler keeps a session for each client "
        "(PgBouncer and Odyssey in session mode), say `pooler: session` in the environment.",
    )


def leave_clean(connection: Connection) -> None:
    """Leaves a pooler's session as it was; a lost one, or one that is busy, has no more to say."""
    ending = "; ".join((*RESET, "select pg_catalog.pg_advisory_unlock_all()"))
    with suppress(psycopg.Error):
        connection.execute(ending.encode())


def _refuse_shared(pid: int, connect: Callable[[], Connection]) -> None:
    """Raises UsageError when a second client is given the server session that is ours. A pooler
    that keeps them apart gives it another, or lets it wait where there is no other."""
    with closing(connect()) as second:
        if _answer(second) == pid:
            raise UsageError(
                "The environment says `pooler: session`, but this pooler shares server sessions: "
                "a second connection was given the same one.",
                why="The migration lock belongs to a session. Nothing was set on it.",
                do="Set PgBouncer's `pool_mode = session` for this database, or connect to the "
                "server itself.",
            )


def _answer(connection: Connection) -> int:
    """The process that answers, or 0 where none does in time."""
    pgconn: Any = connection.pgconn
    pgconn.send_query(PID.encode())

    def has_come() -> bool:
        pgconn.flush()
        pgconn.consume_input()
        return not pgconn.is_busy()

    if not poll(has_come, SECOND_WAIT, lambda waited: None):
        return 0
    result = pgconn.get_result()
    value = result.get_value(0, 0) if result and result.ntuples else None
    return int(value) if value else 0
