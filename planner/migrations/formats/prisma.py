"""Prisma: a folder for each migration, `20240101000000_name/migration.sql`.

https://www.prisma.io/docs/orm/prisma-migrate/understanding-prisma-migrate/migration-histories
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import pair, parse_pair
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "Prisma"
LAYOUT = "20240101000000_name/migration.sql, with down.sql beside it"
NOT_TAKEN = "schema.prisma"

NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>[^/]*)/migration\.sql")


def recognise(folder: Folder) -> bool:
    """Whether there are such folders, without the snapshots that Drizzle keeps in them."""
    found = [name for name in folder.tree if NAME.fullmatch(name)]
    return bool(found) and not any(name.endswith("/snapshot.json") for name in folder.tree)


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each folder."""
    for name in folder.tree:
        if NAME.fullmatch(name):
            down = name.replace("migration.sql", "down.sql")
            yield pair(folder, name, down if folder.has(down) else None)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the folder's name says; Prisma's history holds all of it. Nothing is after the `_`
    where no name was given."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a migration of Prisma")
    return Header(match["version"], match["name"] or match["version"], read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """A file is a section; a wrapped one, and one without a word, is a transaction."""
    return parse_pair(migration, dialect)
