"""node-pg-migrate: `1700000000000_name.sql` with `-- Up Migration` and `-- Down Migration`.

https://salsita.github.io/node-pg-migrate/cli#migrationlanguage
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.annotated import collect_annotated, cut_sections
from lockgate.planner.migrations.foreign.code_files import untaken_code
from lockgate.planner.migrations.foreign.pairs import way_back
from lockgate.planner.migrations.foreign.plain_files import NAME
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "node-pg-migrate"
LAYOUT = "1700000000000_name.sql with `-- Up Migration` and `-- Down Migration`"
NOT_TAKEN = "migrations in JavaScript or TypeScript"

MARKER = re.compile(r"\s*--[\s-]*(?P<word>up|down)\s+migration.*", re.IGNORECASE)
MARKED = re.compile(r"^\s*--[\s-]*(?:up|down)\s+migration\s*$", re.IGNORECASE | re.MULTILINE)
ONE_WAY = (".up.sql", ".down.sql")


def recognise(folder: Folder) -> bool:
    """Whether a file for both ways has a marker as `create` writes it: others' comments say that
    something is an up migration too."""
    names = (name for name in folder.names(".sql") if not name.lower().endswith(ONE_WAY))
    return any(MARKED.search(folder.read(name)) for name in names)


def find_untaken(folder: Folder) -> Iterator[MigrationFileError]:
    """Migrations that are code."""
    names = folder.names(".js", ".cjs", ".mjs", ".ts")
    yield from untaken_code((one for one in names if one[0].isdigit()), "JavaScript")


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each SQL file with a version."""
    return collect_annotated(folder, NAME)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says; the tool's history holds all of it but the ending."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a migration of node-pg-migrate")
    return Header(match["version"], match["name"], read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """The sections after the markers; without `-- Up Migration` all before the other is up."""
    (file,) = migration.files
    found = cut_sections(file, MARKER, dialect)
    return Sections(found.get("up", found[""]), way_back(found.get("down")))
