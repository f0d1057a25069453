"""The canonical dump of a MySQL or MariaDB database, without mysqldump.

It must not keep what differs between equal databases: names of databases, times of creation.
"""

from collections.abc import Iterator
from typing import Any

import pymysql

PLACE_OF_NAME = "`<database>`"

SOURCES = {
    "TABLE": "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = %s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
    "SEQUENCE": "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = %s AND table_type = 'SEQUENCE'",
    "VIEW": "SELECT table_name FROM information_schema.views WHERE table_schema = %s",
    "TRIGGER": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s",
    "PROCEDURE": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = %s AND routine_type = 'PROCEDURE'",
    "FUNCTION": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = %s AND routine_type = 'FUNCTION'",
    "PACKAGE": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = %s AND routine_type = 'PACKAGE'",
    "PACKAGE BODY": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = %s AND routine_type = 'PACKAGE BODY'",
    "EVENT": "SELECT event_name FROM information_schema.events WHERE event_schema = %s",
}
"""Where the names stand, by kind; a kind that an engine lacks has no rows there."""

VOLATILE = ("Created", "Database")

COLUMNS = """\
SELECT column_name FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"""
"""SELECT * would leave out invisible columns."""


def dump(connection: "pymysql.Connection[Any]", database: str) -> str:
    """Every object as SHOW CREATE has it, and every table's rows, sorted, as text."""
    with connection.cursor() as cursor:
        parts = list(_parts(cursor, database))
    return "\n".join(parts).replace(_quoted(database), PLACE_OF_NAME) + "\n"


def _parts(cursor: Any, database: str) -> Iterator[str]:
    yield _definition(cursor, "DATABASE", database)
    for kind, query in SOURCES.items():
        cursor.execute(query, (database,))
        for (name,) in sorted(cursor.fetchall()):
            yield _definition(cursor, kind, name)
            if kind in ("TABLE", "SEQUENCE"):
                yield from _rows(cursor, database, name)


def _definition(cursor: Any, kind: str, name: str) -> str:
    cursor.execute(f"SHOW CREATE {kind} {_quoted(name)}")
    titles = [column[0] for column in cursor.description]
    fields = zip(titles, cursor.fetchone(), strict=True)
    kept = [f"{title}: {value}" for title, value in fields if title not in VOLATILE]
    return f"-- {kind} {_quoted(name)}\n" + "\n".join(kept)


def _rows(cursor: Any, database: str, table: str) -> Iterator[str]:
    cursor.execute(COLUMNS, (database, table))
    columns = ", ".join(_quoted(name) for (name,) in cursor.fetchall())
    cursor.execute(f"SELECT {columns} FROM {_quoted(table)}")
    yield from (f"-- row {row}" for row in sorted(repr(row) for row in cursor.fetchall()))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
