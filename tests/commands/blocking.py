"""A table that a test holds, so that a migration stands still at a statement that needs it.

It must not sleep for a time: it asks the server until the migration waits there.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.commands.running import succeed
from tests.servers.process import wait_until

PATIENT = "timeouts: {lock: 60s}\n"
"""An environment's setting under which nothing gives up while a test looks."""

WAITING = {
    "postgresql": "select 1 from pg_stat_activity where datname = %s and wait_event_type = 'Lock'",
    "mysql": "select 1 from information_schema.processlist where db = %s"
    " and state like 'Waiting for table%%'",
}


@contextlib.contextmanager
def held_table(server: Any, database: str, table: str) -> Iterator[Any]:
    """A session that holds a table for the block, so that nobody else can alter or read it."""
    connection = server.connect(database)
    try:
        if server.engine == "postgresql":
            connection.execute("begin")
            connection.execute(f"lock table {table} in access exclusive mode")
        else:
            connection.query(f"lock tables {table} write")
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def read_table(server: Any, database: str, table: str) -> Iterator[None]:
    """A transaction on MySQL or MariaDB that has read a table, so that everybody else can read it,
    and nobody can change its definition."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("start transaction")
        cursor.execute(f"select * from `{table}`")  # a grave may begin like a number
        cursor.fetchall()
        yield


def wait_until_blocked(server: Any, database: str) -> None:
    """Returns when a session of the database waits for a table."""
    sql = WAITING["postgresql" if server.engine == "postgresql" else "mysql"]
    with server.connect(database) as connection, connection.cursor() as cursor:

        def waits() -> bool:
            cursor.execute(sql, (database,))
            return cursor.fetchone() is not None

        wait_until(waits, "a migration waits for the table")


def prepare_blocked(server: Any, project: Any) -> None:
    """Makes the table `held`, a migration that creates `early`, and one that needs `held`; the
    database knows lockgate already, so that nobody asks whose the table is."""
    project.write("001_early.sql", "create table early (id int);", "drop table early;")
    for command in ("up", "down"):
        succeed(project.migrate(command))
    with server.connect(project.database) as connection, connection.cursor() as cursor:
        cursor.execute("create table held (id int)")
    project.configure(PATIENT)
    project.write("002_held.sql", "alter table held add column n int;", "")


def table_names(server: Any, database: str) -> list[str]:
    """The names of a database's tables, sorted."""
    schema = "current_schema()" if server.engine == "postgresql" else "database()"
    sql = f"select table_name from information_schema.tables where table_schema = {schema}"
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return sorted(name for (name,) in cursor.fetchall())
