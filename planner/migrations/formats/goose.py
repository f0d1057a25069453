"""goose: one file with `-- +goose Up` and `-- +goose Down`.

https://pressly.github.io/goose/documentation/annotations/
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
    refuse_down_first,
)
from lockgate.planner.migrations.foreign.code_files import untaken_code
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "goose"
LAYOUT = "00001_name.sql with `-- +goose Up` and `-- +goose Down`"
NOT_TAKEN = "migrations in Go, and ENVSUB"
ALONE = "`-- +goose NO TRANSACTION` at its top"

NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.sql")
ANNOTATION = re.compile(r"--\s*\+goose\s+(?P<word>.*?)\s*$", re.IGNORECASE)
ANNOTATED = re.compile(r"^--\s*\+goose\s+(?:up|down)\b", re.IGNORECASE | re.MULTILINE)
DIRECTION = re.compile(r"--\s*\+goose\s+(?P<word>up|down)\s*$", re.IGNORECASE)
NO_TRANSACTION = "no transaction"
PASSED_OVER = frozenset({"up", "down", "statementbegin", "statementend", NO_TRANSACTION})
"""Our own reader finds the ends of statements, so what marks them says nothing new."""


def recognise(folder: Folder) -> bool:
    """Whether one of its files is annotated."""
    return any(ANNOTATED.search(folder.read(name)) for name in folder.names(".sql"))


def find_untaken(folder: Folder) -> Iterator[MigrationFileError]:
    """Migrations in Go, which goose compiles and runs."""
    names = (one for one in folder.names(".go") if not one.endswith("_test.go"))
    yield from untaken_code((one for one in names if one[0].isdigit()), "Go")


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each SQL file with a version."""
    return collect_annotated(folder, NAME)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says. goose's history holds the version as a number."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a migration of goose")
    return Header(match["version"], match["name"], read_required(files[0]))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """The sections between the annotations."""
    (file,) = migration.files
    transactional = _is_transactional(file)
    words = dict.fromkeys(("", "up", "down"), transactional)
    found = cut_sections(file, DIRECTION, dialect, words)
    refuse_down_first(file, found, "-- +goose Up")
    return annotated_sections(file, found, "-- +goose Up")


def _is_transactional(file: SourceFile) -> bool:
    transactional = True
    for number, line in enumerate(file.text.splitlines(), 1):
        match = ANNOTATION.match(line)
        word = match["word"].lower() if match else ""
        if word.startswith("envsub"):
            raise _wrong(
                file,
                number,
                "ENVSUB takes values of the process that runs the migration into its SQL",
                "What was reviewed would not be what runs.",
                "Write the values themselves.",
            )
        if match and word not in PASSED_OVER:
            raise _wrong(file, number, f"`+goose {match['word']}` is not known")
        transactional = transactional and word != NO_TRANSACTION
    return transactional


def _wrong(
    file: SourceFile, line: int, what: str, why: str = "", do: str = ""
) -> MigrationFileError:
    return MigrationFileError(
        what, path=Path(file.name), line=line, why=why, do=do or "Correct the annotations."
    )
