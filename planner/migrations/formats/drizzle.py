"""Drizzle: `0000_name.sql` in the order of `meta/_journal.json`; later `20240101000000_name/`.

https://orm.drizzle.team/docs/migrations
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.sections import Piece, read_pieces, read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "Drizzle"
LAYOUT = "meta/_journal.json and 0000_name.sql with `--> statement-breakpoint`"
NOT_TAKEN = "schema.ts and the snapshots; Drizzle has no way back"

JOURNAL = "meta/_journal.json"
NAME = re.compile(r"(?:(?P<version>[0-9]+)_)?(?P<name>[^/]+?)(?:\.sql|/migration\.sql)")
NESTED = re.compile(r"[0-9]+_[^/]+/migration\.sql")
BREAKPOINT = "--> statement-breakpoint"


def recognise(folder: Folder) -> bool:
    """Whether there is a journal, or a snapshot beside a migration.sql."""
    return folder.has(JOURNAL) or any(name.endswith("/snapshot.json") for name in folder.tree)


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each file that the journal names, in its order, with the time by which Drizzle knows it."""
    for name, when in _named(folder):
        if not folder.has(name):
            raise MigrationFileError(
                f"the journal names {name}, and there is no such file",
                path=Path(JOURNAL),
                do="Restore the file.",
            )
        file = SourceFile(name, folder.read(name), "up")
        yield (file, SourceFile(JOURNAL, f"{when}\n", "header")) if when else (file,)


def warnings(folder: Folder) -> Iterator[str]:
    """A sentence for each file that the journal does not name."""
    named = {name for name, _ in _named(folder)}
    for name in folder.names(".sql"):
        if name not in named:
            yield f"{name} is no migration, since {JOURNAL} does not name it."


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says; without a number the name itself is the version."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a migration of Drizzle")
    return Header(match["version"] or match["name"], match["name"], read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """All of the file, in one transaction."""
    file = migration.files[0]
    return Sections(read_pieces(file, _pieces(file), dialect), None)


def _pieces(file: SourceFile) -> Iterator[Piece]:
    """What is between the breakpoints, which MySQL would not take for comments."""
    line = file.line
    for text in file.text.split(BREAKPOINT):
        yield Piece(text, line)
        line += text.count("\n")


def _named(folder: Folder) -> Iterator[tuple[str, int | None]]:
    """The files in their order, each with the milliseconds that the journal has for it."""
    if not folder.has(JOURNAL):
        yield from ((name, None) for name in folder.tree if NESTED.fullmatch(name))
        return
    try:
        entries = json.loads(folder.read(JOURNAL))["entries"]
        ordered = sorted(entries, key=lambda entry: int(entry["idx"]))
        tags = [(entry["tag"], int(entry.get("when") or 0)) for entry in ordered]
    except (ValueError, KeyError, TypeError) as error:
        raise MigrationFileError(
            "the journal cannot be read", path=Path(JOURNAL), do="Restore it: drizzle-kit wrote it."
        ) from error
    for tag, when in tags:
        if not isinstance(tag, str) or "/" in tag or tag.startswith("."):
            raise MigrationFileError("the journal names a file elsewhere", path=Path(JOURNAL))
        yield f"{tag}.sql", when or None
