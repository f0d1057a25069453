"""A database's schema as SQL, by the servers' own programs: pg_dump, mysqldump, mariadb-dump.

Equal schemas give equal bytes: what names a version of the server or a moment is left out.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.executors.programs.client import conninfo, find_client, flags, secret
from lockgate.planner.errors import UsageError
from lockgate.planner.quoting import double_quoted

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress

PROGRAMS = {
    "postgresql": ("pg_dump",),
    "mysql": ("mysqldump", "mariadb-dump"),
    "mariadb": ("mariadb-dump", "mysqldump"),
}
# https://www.postgresql.org/docs/18/app-pgdump.html
POSTGRESQL = ("--schema-only", "--no-owner", "--no-tablespaces")
# https://dev.mysql.com/doc/refman/9.7/en/mysqldump.html
MYSQL = ("--no-data", "--routines", "--events", "--triggers", "--skip-comments", "--skip-dump-date",
         "--no-tablespaces", "--skip-lock-tables", "--single-transaction",
         "--skip-add-drop-table")  # fmt: skip
PASSING = re.compile(
    r"(?m)^(?:-- Dumped (?:from|by) .*|\\(?:un)?restrict .*|SET transaction_timeout = 0;"
    r"|.* SET \(pg_attver=\d+\);)\n|, pg_attver=\d+(?=\);$)"
    r"|(?<= SET \()pg_attver=\d+, "
)
"""What differs between equal schemas on servers, or by programs, of other versions: to an older
pg_dump the server's count of a column's versions is an option of it."""
COUNTER = re.compile(r"(?m)^(\) ENGINE=.*?) AUTO_INCREMENT=\d+")
"""MySQL's next number of a table, which rows move."""
EMPTY_LINES = re.compile(r"\n{3,}")


def dump_schema(address: DatabaseAddress, leave_out: Iterable[tuple[str, str]]) -> str:
    """The schema without these tables, by schema and name, and without their sequences. A table
    without a schema is one of any, and a schema without a table goes with all that is in it.

    Raises:
        UsageError: there is no such program, or it fails.
    """
    program, address = find_client(PROGRAMS[address.engine]), address.renewed()
    if address.engine == "postgresql":
        without = [option for place in leave_out for option in _excluding(*place)]
        command = [program, *POSTGRESQL, *without, conninfo(address)]
    else:
        without = [f"--ignore-table={address.database}.{name}" for _, name in leave_out if name]
        command = [program, *_of_family(program), *without, *flags(address, program)]
    done = subprocess.run(
        command, env={**os.environ, **secret(address)}, stdin=subprocess.DEVNULL,
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UsageError(f"{os.path.basename(program)} failed.", why=done.stderr.strip())
    return _stable(done.stdout)


def _excluding(schema: str, table: str) -> Iterator[str]:
    """https://www.postgresql.org/docs/18/app-psql.html#APP-PSQL-PATTERNS: the sequences of a table
    are dumped without it."""
    if not table:
        yield f"--exclude-schema={double_quoted(schema)}"
        return
    place = double_quoted(schema) if schema else "*"
    yield f"--exclude-table={place}.{double_quoted(table)}"
    if schema:
        yield f"--exclude-table={place}.{double_quoted(f'{table}_')}*_seq"


def _of_family(program: str) -> Iterable[str]:
    """MariaDB's program does not know the flag by which MySQL's leaves GTIDs out."""
    is_mariadb = os.path.basename(program).startswith("mariadb")
    return MYSQL if is_mariadb else (*MYSQL, "--set-gtid-purged=OFF")


def _stable(text: str) -> str:
    """The dump without what passes.

    >>> _stable("ALTER TABLE ONLY t ALTER COLUMN a SET (n_distinct=5, pg_attver=19);")
    'ALTER TABLE ONLY t ALTER COLUMN a SET (n_distinct=5);\\n'
    >>> _stable("a;\\nALTER TABLE ONLY t ALTER COLUMN a SET (pg_attver=19);\\nb;")
    'a;\\nb;\\n'

    >>> _stable("-- Dumped from database version 18.1\\n) ENGINE=InnoDB AUTO_INCREMENT=7;\\n\\n\\n")
    ') ENGINE=InnoDB;\\n'
    """
    kept = COUNTER.sub(r"\1", PASSING.sub("", text))
    return EMPTY_LINES.sub("\n\n", kept).strip("\n") + "\n"
