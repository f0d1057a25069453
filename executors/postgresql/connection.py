"""Connections to PostgreSQL: opened, asked who they lead to, and ended on the server too.

Knows neither plans nor tables of lockgate; `postgresql` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from executors.engine import Row
from executors.failure import ServerError
from executors.polling import poll
from executors.postgresql.pipeline import from_driver
from planner.address import DatabaseAddress
from planner.errors import Unreachable, UsageError

FACTS = """
select current_setting('server_version'), current_setting('server_version_num')::int,
       current_database()::text, coalesce(%s, current_schema()::text),
       to_regnamespace(quote_ident(coalesce(%s, current_schema()::text))) is null,
       now(), pg_backend_pid(),
       pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool,
       (select oid::text from pg_database where datname = current_database()),
"""
SYSTEM = "(select system_identifier::text from pg_control_system())"
FORBIDDEN = "42501"
# Older than the asking session, so that it is not another one with the same process id.
ENDING = """
select pg_cancel_backend(pid) from pg_stat_activity where pid = %s and backend_start <
    (select backend_start from pg_stat_activity where pid = pg_backend_pid())
"""
END_WAIT = 10.0  # seconds for the server to end a session of ours that we have cancelled

Connection = psycopg.Connection[Row]


def open_connection(address: DatabaseAddress, program: str, seconds: float) -> Connection:
    """A connection in autocommit mode, had within so many seconds.

    Raises:
        Unreachable: no connection.
    """
    options: dict[str, Any] = {"application_name": program, "client_encoding": "UTF8"}
    options |= address.options
    try:
        return psycopg.connect(
            host=address.socket or address.host,
            port=address.port,
            user=address.user,
            password=address.password.get_secret_value() if address.password else None,
            dbname=address.database,
            connect_timeout=max(1, round(seconds)),
            autocommit=True,
            prepare_threshold=None,  # DEALLOCATE ALL between sections would confuse psycopg
            **options,
        )
    except psycopg.Error as error:
        raise Unreachable(
            f"No connection to the database: {str(error).strip()}",
            do="Check the server and the connection in the environment's file.",
        ) from None


def read_facts(
    connection: Connection, schema: str | None, settings: str, values: tuple[str | None, ...]
) -> Row:
    """What FACTS and SYSTEM ask, and the session set up, in one flight.

    Who may not read the system identifier does without: asking whether he may is no help,
    since the server checks the right before it looks at the condition.
    """
    for system in (SYSTEM, "null"):
        try:
            with translated(), connection.pipeline():
                facts = connection.execute((FACTS + system).encode(), (schema, schema))
                connection.execute(settings.encode(), values)
        except ServerError as refused:
            if refused.code != FORBIDDEN or system != SYSTEM:
                raise
        else:
            break
    row = facts.fetchone()
    assert row is not None
    return row


def refuse_pooler(connection: Connection, pid: int) -> None:
    """Raises UsageError when the session's own process is not the one that greeted us."""
    if pid != connection.info.backend_pid:
        raise UsageError(
            "The connection goes through a pooler that shares server sessions.",
            why="The migration lock belongs to a session, and a pooler hands it to others; "
            "whether it pools by session or by transaction cannot be seen from here.",
            do="Connect to the server itself.",
        )


def await_end(pid: int, connect: Callable[[], Connection]) -> None:
    """Returns when the server has ended a session that we have left; cancels what it runs.

    Raises:
        Unreachable: the server cannot be asked, or it does not end the session.
    """
    with translated(), connect() as observer:
        if not poll(
            lambda: observer.execute(ENDING, (pid,)).fetchone() is None,
            END_WAIT,
            lambda waited: None,
        ):
            raise Unreachable(
                f"The server still runs the session {pid} that was cancelled.",
                do=f"See pg_stat_activity; `select pg_terminate_backend({pid})` ends it.",
            )


@contextmanager
def translated() -> Iterator[None]:
    """psycopg's errors as ours."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            raise Unreachable(f"The connection was lost: {str(error).strip()}.") from error
        raise from_driver(error) from error
