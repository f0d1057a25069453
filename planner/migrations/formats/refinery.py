"""refinery: `V1__name.sql`, and `U1__name.sql` for one that may run out of order.

https://docs.rs/refinery/latest/refinery/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.code_files import untaken_code
from lockgate.planner.migrations.foreign.pairs import parse_pair
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "refinery"
LAYOUT = "V1__name.sql and U1__name.sql, in folders too"
NOT_TAKEN = "migrations in Rust; that U files may run out of order is the policy's to say"

NAME = re.compile(r"(?P<kind>[VU])(?P<version>[0-9]+(?:\.[0-9]+)?)__(?P<name>\w+)\.(?P<end>sql|rs)")


def recognise(folder: Folder) -> bool:
    """Whether files are named so in a Rust project, or a U file has no V file, as Flyway's have."""
    found = list(_named(folder))
    versions = {match["version"] for _, match in found if match["kind"] == "V"}
    unpaired = any(one["kind"] == "U" and one["version"] not in versions for _, one in found)
    is_rust = folder.has_above("Cargo.toml") or any(one["end"] == "rs" for _, one in found)
    return bool(found) and (unpaired or is_rust)


def find_untaken(folder: Folder) -> Iterator[MigrationFileError]:
    """Migrations in Rust, which are compiled and run."""
    rust = (name for name, match in _named(folder) if match["end"] == "rs")
    yield from untaken_code(rust, "Rust")


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each SQL file."""
    for name, match in _named(folder):
        if match["end"] == "sql":
            yield (SourceFile(name, folder.read(name), "up"),)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says."""
    match = NAME.fullmatch(files[0].name.rpartition("/")[2])
    if match is None:
        raise MigrationFileError("not the name of a migration of refinery")
    return Header(match["version"], match["name"], read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """The file is the up section; a wrapped one, and one without a word, is a transaction."""
    return parse_pair(migration, dialect)


def _named(folder: Folder) -> Iterator[tuple[str, re.Match[str]]]:
    for name in folder.tree:
        if match := NAME.fullmatch(name.rpartition("/")[2]):
            yield name, match
