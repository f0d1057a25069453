"""Turn other tools' migrations into lockgate's files.

The SQL itself stays as its authors wrote it; only sections are put around it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

CREATED = re.compile(
    r"""^\s*create\s+(?:or\s+replace\s+)?(table|sequence|type|function)\s+
        (?:if\s+not\s+exists\s+)?["`]?(\w+)""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
RENAMED = re.compile(
    r"""^\s*alter\s+(table|sequence|type|function)\s+["`]?\w+["`]?\s+
        rename\s+to\s+["`]?(\w+)""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True)
class RealMigration:
    """One migration of a fetched set."""

    version: str
    """Leading digits of the file name; the original's number."""
    name: str
    """The rest of the file name."""
    up: str
    """The original's SQL: what a native client is given too."""
    down: str = "select 1;\n"
    """Nothing to do, since the first migration's down drops the whole set."""
    transactional: bool = True
    """False where the original cannot share a transaction with its successors."""

    @property
    def filename(self) -> str:
        """The file's name in lockgate's format."""
        return f"{self.version}_{self.name}.sql"

    @property
    def text(self) -> str:
        """The file's content in lockgate's format."""
        option = "" if self.transactional else " transaction:false"
        return f"-- migrate:up{option}\n{self.up.rstrip()}\n-- migrate:down\n{self.down}"


def read_original(path: Path) -> str:
    """Return the SQL of a fetched file, without a byte order mark."""
    return path.read_text(encoding="utf-8-sig")


def write_migrations(migrations: Iterable[RealMigration], folder: Path) -> None:
    """Write a file a migration into a new folder."""
    folder.mkdir()
    for migration in migrations:
        (folder / migration.filename).write_text(migration.text, encoding="utf-8")


def undone_by(down: str, migrations: Sequence[RealMigration]) -> list[RealMigration]:
    """Return the set, its first migration's down being the one that undoes everything.

    The originals have no downs, and none can be computed one by one.
    """
    first, *others = migrations
    return [replace(first, down=down), *others]


def names_made(kind: str, migrations: Iterable[RealMigration]) -> list[str]:
    """Return the sorted names that the set ever gives to objects of that kind.

    >>> names_made("sequence", [RealMigration("1", "a", "alter sequence a rename to b;")])
    ['b']
    """
    sql = "\n".join(migration.up for migration in migrations)
    made = [*CREATED.findall(sql), *RENAMED.findall(sql)]
    return sorted({name for its_kind, name in made if its_kind.lower() == kind})


def postgres_down(migrations: Sequence[RealMigration]) -> str:
    """Return SQL that drops whatever the set made in the schema `public`."""
    drops = [
        f"drop {kind} if exists {', '.join(names)} cascade;\n"
        for kind in ("table", "sequence")
        if (names := [f'"{name}"' for name in names_made(kind, migrations)])
    ]
    return "".join(drops) + drop_functions(migrations) + drop_types(migrations)


def drop_functions(migrations: Sequence[RealMigration]) -> str:
    """Return SQL that drops the set's functions, however often each is overloaded."""
    names = ", ".join(f"'{name}'" for name in names_made("function", migrations))
    return f"""\
do $down$
declare
    made regprocedure;
begin
    for made in
        select oid from pg_proc
        where pronamespace = 'public'::regnamespace and proname = any (array[{names}]::name[])
    loop
        execute format('drop function %s cascade', made);
    end loop;
end
$down$;
"""


def drop_types(migrations: Sequence[RealMigration]) -> str:
    """Return SQL that drops the set's types, after all that uses them."""
    names = ", ".join(f'"{name}"' for name in names_made("type", migrations))
    return f"drop type if exists {names};\n" if names else ""


def mysql_down(migrations: Sequence[RealMigration]) -> str:
    """Return SQL that drops every table that the set made."""
    tables = ", ".join(f"`{name}`" for name in names_made("table", migrations))
    return (
        "set foreign_key_checks = 0;\n"
        f"drop table if exists {tables};\n"
        "set foreign_key_checks = 1;\n"
    )
