"""sql-migrate: one file with `-- +migrate Up` and `-- +migrate Down`.

https://github.com/rubenv/sql-migrate#writing-migrations
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.annotated import (
    annotated_sections,
    collect_annotated,
    cut_sections,
)
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "sql-migrate"
LAYOUT = "1_name.sql with `-- +migrate Up` and `-- +migrate Down`"
NOT_TAKEN = "templates of its configuration, two files of one number"
ALONE = "`notransaction` after `-- +migrate Up`"

NAME = re.compile(r"(?P<version>(?P<number>[0-9]*)[^/]*)\.sql")
MARKED = re.compile(r"^-- \+migrate (?:Up|Down)\b", re.MULTILINE)
DIRECTION = re.compile(r"-- \+migrate (?P<word>Up|Down)\b(?P<options>.*)")
ANNOTATION = re.compile(r"-- \+migrate +(?P<word>\S+)")
KNOWN = frozenset({"Up", "Down", "StatementBegin", "StatementEnd"})


def recognise(folder: Folder) -> bool:
    """Whether one of its files is annotated."""
    return any(MARKED.search(folder.read(name)) for name in folder.names(".sql"))


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each SQL file, by its number, as sql-migrate orders them, and else by its name."""
    return collect_annotated(folder, NAME)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says. Without a number the name itself is the version."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a migration of sql-migrate")
    name = match["version"]
    rest = name.removeprefix(match["number"]).strip("_-") or name
    return Header(match["number"] or name, rest, read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """The sections between the annotations, each a transaction unless its line says otherwise."""
    (file,) = migration.files
    _refuse_unknown(file)
    lines = (DIRECTION.match(line) for line in file.text.splitlines())
    told = {
        one["word"].lower(): "notransaction" not in one["options"].split() for one in lines if one
    }
    return annotated_sections(file, cut_sections(file, DIRECTION, dialect, told), "-- +migrate Up")


def _refuse_unknown(file: SourceFile) -> None:
    for number, line in enumerate(file.text.splitlines(), 1):
        match = ANNOTATION.match(line)
        if match and match["word"] not in KNOWN:
            raise MigrationFileError(
                f"`+migrate {match['word']}` is not known",
                path=Path(file.name),
                line=number,
                do="Correct the annotation.",
            )
