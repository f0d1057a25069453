"""golang-migrate: a file for each direction, `1_name.up.sql` and `1_name.down.sql`.

https://github.com/golang-migrate/migrate/blob/master/MIGRATIONS.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import collect_pairs, parse_pair
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "golang-migrate"
LAYOUT = "1_name.up.sql and 1_name.down.sql"
NOT_TAKEN = "migrations that are no SQL, and the option x-multi-statement"

NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.*)\.(?P<role>up|down)\.sql", re.IGNORECASE)


def recognise(folder: Folder) -> bool:
    """Whether a file is named so, outside of a Rust project: sqlx names its files alike."""
    is_named = any(NAME.fullmatch(name) for name in folder.names(".sql"))
    return is_named and not folder.has_above("Cargo.toml")


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each version, up first."""
    return collect_pairs(folder, NAME)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says. The tool's history holds the version without leading zeros."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a migration of golang-migrate")
    return Header(match["version"], match["name"], read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """A file is a section; a wrapped one, and one without a word, is a transaction."""
    return parse_pair(migration, dialect)
