"""sqlx: `1_name.sql`, or `1_name.up.sql` and `1_name.down.sql`.

https://docs.rs/sqlx/latest/sqlx/macro.migrate.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import collect_pairs, parse_pair
from lockgate.planner.migrations.foreign.plain_files import is_plain
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "sqlx"
LAYOUT = "1_name.sql, or 1_name.up.sql and 1_name.down.sql"
NOT_TAKEN = "nothing is left out"
ALONE = "`-- no-transaction` as its first line"

NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+?)(?:\.(?P<role>up|down))?\.sql")
NO_TRANSACTION = "-- no-transaction"


def recognise(folder: Folder) -> bool:
    """Whether there are such files in a Rust project: elsewhere they are another tool's."""
    return folder.has_above("Cargo.toml") and is_plain(folder)


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each version, up first."""
    return collect_pairs(folder, NAME)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a migration of sqlx")
    return Header(match["version"], match["name"], read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """A file is a section, and a transaction unless its first line says that it is none."""
    told = {file.role: not file.text.startswith(NO_TRANSACTION) for file in migration.files}
    return parse_pair(migration, dialect, told)
