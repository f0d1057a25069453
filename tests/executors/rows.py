"""A look into a database of the MySQL family past the executor, and changes of it from outside."""

from typing import Any

from tests.servers.process import wait_until

SESSIONS = (
    "select id from information_schema.processlist where db = '{database}' "
    "and id <> connection_id() and command <> 'Killed'"
)


def ask(server: Any, database: str | None, sql: str) -> list[Any]:
    """The rows of a query, sorted."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return sorted(cursor.fetchall())


def execute(server: Any, database: str | None, *statements: str) -> None:
    """Runs statements one by one, each kept at once."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


def sessions(server: Any, database: str) -> set[int]:
    """The ids of the sessions on a database, without our own."""
    return {pid for (pid,) in ask(server, None, SESSIONS.format(database=database))}


def wait_until_running(server: Any, database: str, text: str) -> int:
    """The id of the session that runs a statement that begins with this text."""
    found: list[Any] = []

    def runs() -> bool:
        found[:] = ask(
            server,
            None,
            "select id from information_schema.processlist where id <> connection_id() "
            # What asks whether it is SQL, and the rows that hold the plan, hold its text as well.
            f"and command = 'Query' and db = '{database}' and trim(info) like '{text}%'",
        )
        return bool(found)

    wait_until(runs, f"a session runs {text}")
    return int(found[0][0])


def wait_until_gone(server: Any, database: str) -> None:
    """Returns when no session is left on a database."""
    wait_until(lambda: not sessions(server, database), f"no session on {database}")
