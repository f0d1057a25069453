"""The state of one MySQL or MariaDB database: looked at, saved, and put back.

It must not look through lockgate's eyes: SHOW CREATE and the rows themselves are asked.
"""

import re
from typing import Any

import pymysql
from pymysql.constants.CLIENT import MULTI_STATEMENTS

from tests.faults.family_image import make_image
from tests.faults.leftovers import Leftovers
from tests.servers.catalog import COLUMNS, SOURCES
from tests.servers.process import wait_until

DATABASE = "lockgate_faults"

TRACES = frozenset({"lockgate_runs", "lockgate_plans", "lockgate_journal"})
"""What each run writes, however it ends."""

VOLATILE = frozenset({"Created", "Database"})

CONSTRAINT_LINE = re.compile(r"  CONSTRAINT ")

SAME_CHARSET = "CHARACTER SET utf8mb4 COLLATE"
"""MySQL prints a column's charset, though it is the table's, if the column was given it."""

SESSIONS = (
    "select count(*) from information_schema.processlist where id <> connection_id() and db = %s"
)
LEFT = (
    "select (select count(*) from lockgate_journal), (select count(*) from lockgate_runs "
    "where status in ('APPLYING', 'COMPENSATING'))"
)
OWN_SCHEMAS = (
    "select schema_name from information_schema.schemata "
    "where left(schema_name, length(%s)) = %s order by 1"
)
TRIGGER_ORDER = (
    "select trigger_name, action_order from information_schema.triggers "
    "where trigger_schema = %s order by 1"
)


class FamilyState:
    """One database of a server, of which there can be saved images."""

    protocol = "mysql"
    database = DATABASE

    def __init__(self, server: Any) -> None:
        self.server = server

    def create(self) -> None:
        """An empty database."""
        self.restore((f"create database `{self.database}`",))

    def remove(self) -> None:
        """Leaves nothing of the database and of lockgate's schemas beside it."""
        with self.server.connect(None) as connection:
            for name in self._schemas(connection):
                self.server.drop_database(name)

    def save(self) -> tuple[str, ...]:
        """An image of the database as it is: the statements that make it again."""
        with self.server.connect(self.database) as connection:
            return make_image(connection, self.database)

    def restore(self, image: tuple[str, ...]) -> None:
        """The database as it was when the image was made, and no other of lockgate's schemas."""
        with self.server.connect(None, client_flag=MULTI_STATEMENTS) as connection:
            drops = [f"drop database `{name}`" for name in self._schemas(connection)]
            with connection.cursor() as cursor:
                for packet in (";\n".join([*drops, image[0]]), *image[1:]):
                    cursor.execute(packet)
                    while cursor.nextset():
                        pass

    def look(self) -> str:
        """Schema, rows, counters, history and serial as text: equal texts for equal states."""
        with self.server.connect(self.database) as connection, connection.cursor() as cursor:
            parts = [_definition(cursor, "DATABASE", self.database)]
            for kind, query in SOURCES.items():
                for name in _names(cursor, query, self.database):
                    parts += _object(cursor, kind, name, self.database)
            cursor.execute(TRIGGER_ORDER, (self.database,))
            parts += [f"-- order {row}" for row in cursor.fetchall()]
        return "\n".join(parts) + "\n"

    def await_quiet(self) -> None:
        """Returns when nobody is connected to the database."""
        with self.server.connect(None) as connection:
            wait_until(
                lambda: _ask(connection, SESSIONS, self.database) == ((0,),),
                f"nobody is connected to {self.database}",
            )

    def leftovers(self) -> Leftovers:
        """What should not be there when all is done."""
        with self.server.connect(self.database) as connection:
            ((journal, unfinished),) = _ask(connection, LEFT)
            schemas = self._schemas(connection)
        return Leftovers(journal, unfinished, tuple(s for s in schemas if s != self.database))

    def _schemas(self, connection: "pymysql.Connection[Any]") -> list[str]:
        """The database, and what lockgate has put beside it under a longer name."""
        rows = _ask(connection, OWN_SCHEMAS, self.database, self.database)
        return [name for (name,) in rows]


def _ask(connection: "pymysql.Connection[Any]", query: str, *values: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


def _names(cursor: Any, query: str, database: str) -> list[str]:
    cursor.execute(query, (database,))
    return sorted({name for (name,) in cursor.fetchall()} - TRACES)


def _object(cursor: Any, kind: str, name: str, database: str) -> list[str]:
    parts = [_definition(cursor, kind, name)]
    if kind in ("TABLE", "SEQUENCE"):
        parts += _rows(cursor, database, name)
    return parts


def _definition(cursor: Any, kind: str, name: str) -> str:
    cursor.execute(f"show create {kind} `{name}`")
    titles = [column[0] for column in cursor.description]
    fields = zip(titles, cursor.fetchone(), strict=True)
    kept = [f"{title}: {value}" for title, value in fields if title not in VOLATILE]
    return f"-- {kind} {name}\n" + "\n".join(_canonical(text) for text in kept)


def _canonical(text: str) -> str:
    """A table's definition with its constraints in the order of their names."""
    shorter = str(text).replace(SAME_CHARSET, "COLLATE")
    lines = [line.removesuffix(",") for line in shorter.split("\n")]
    constraints = sorted(line for line in lines if CONSTRAINT_LINE.match(line))
    rest = [line for line in lines if not CONSTRAINT_LINE.match(line)]
    return "\n".join([*rest, *constraints])


def _rows(cursor: Any, database: str, table: str) -> list[str]:
    cursor.execute(COLUMNS, (database, table))
    names = [name for (name,) in cursor.fetchall() if name != "applied_at"]
    cursor.execute(f"select {', '.join(f'`{name}`' for name in names)} from `{table}`")
    return [f"-- row {row}" for row in sorted(repr(row) for row in cursor.fetchall())]
