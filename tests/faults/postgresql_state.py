"""The state of one PostgreSQL database: looked at, saved, and put back.

It must not look through lockgate's eyes: the server's own pg_dump is asked.
"""

import re
from typing import Any

from psycopg import sql

from tests.faults.leftovers import Leftovers
from tests.servers.postgres import PostgresServer
from tests.servers.process import wait_until

DATABASE = "lockgate_faults"

OID = 4_000_000
"""The database is dropped and made again with the same one, since a plan is for that one."""

TRACES = re.compile(r"^COPY public\.lockgate_(?:runs|journal) .*\n(?:.*\n)*?\\\.\n", re.MULTILINE)
"""What each run leaves, however it ends."""

APPLIED_AT = re.compile(r"^(\d+\t[^\t\n]*\t[0-9a-f]{64})\t.*$", re.MULTILINE)

COUNTERS = re.compile(r"^SELECT pg_catalog\.setval.*\n", re.MULTILINE)
"""nextval is never rolled back: https://www.postgresql.org/docs/18/functions-sequence.html"""

INVALID = "select indexrelid::regclass::text from pg_index where not indisvalid order by 1"
"""pg_dump leaves them out."""

OTHERS = (
    "select count(*) from pg_stat_activity where datname = %s and pid <> pg_backend_pid() "
    "and backend_type = 'client backend'"
)
LEFT = (
    "select (select count(*) from lockgate_journal), (select count(*) from lockgate_runs "
    "where status in ('APPLYING', 'COMPENSATING'))"
)


class PostgresState:
    """One database of a server, of which there can be saved images."""

    protocol = "postgresql"
    database = DATABASE

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._images: list[str] = []

    def create(self) -> None:
        """An empty database."""
        self._make("template0")

    def remove(self) -> None:
        """Leaves nothing of the database and its images."""
        for name in (self.database, *self._images):
            self.server.drop_database(name)

    def save(self) -> str:
        """An image of the database as it is; nobody may be connected."""
        image = f"image_{len(self._images)}"
        self._images.append(image)
        self._execute(COPY, name=sql.Identifier(image), template=sql.Identifier(self.database))
        return image

    def restore(self, image: str) -> None:
        """The database as it was when the image was made."""
        self._make(image)

    def look(self) -> str:
        """Schema, rows, history and serial as text: equal texts for equal states."""
        text = self.server.dump(self.database)
        for part in (TRACES, COUNTERS):
            text = part.sub("", text)
        with self.server.connect(self.database) as connection:
            invalid = [name for (name,) in connection.execute(INVALID)]
        return APPLIED_AT.sub(r"\1", text) + "".join(f"-- invalid: {name}\n" for name in invalid)

    def await_quiet(self) -> None:
        """Returns when nobody is connected to the database."""
        with self.server.connect("postgres") as connection:
            wait_until(
                lambda: connection.execute(OTHERS, (self.database,)).fetchone() == (0,),
                f"nobody is connected to {self.database}",
            )

    def leftovers(self) -> Leftovers:
        """What should not be there when all is done."""
        with self.server.connect(self.database) as connection:
            journal, unfinished = connection.execute(LEFT).fetchone() or (0, 0)
        return Leftovers(journal, unfinished, ())

    def _make(self, template: str) -> None:
        self.server.drop_database(self.database)
        name, source = sql.Identifier(self.database), sql.Identifier(template)
        self._execute(SAME, name=name, template=source, oid=sql.Literal(OID))

    def _execute(self, statement: sql.SQL, **parts: Any) -> None:
        with self.server.connect("postgres") as connection:
            connection.execute(statement.format(**parts))


COPY = sql.SQL("create database {name} template {template} strategy file_copy")
SAME = sql.SQL("create database {name} template {template} strategy file_copy oid {oid}")
