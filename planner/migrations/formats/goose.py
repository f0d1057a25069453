"""goose: one file with `-- +goose Up` and `-- +goose Down`.

https://pressly.github.io/goose/documentation/annotations/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import way_back
from lockgate.planner.migrations.foreign.sections import (
    Piece,
    cut_at,
    read_pieces,
    read_required,
    whole,
)
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Section, Sections, SourceFile
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
    for name in folder.names(".go"):
        if name[0].isdigit() and not name.endswith("_test.go"):
            yield MigrationFileError(
                "a migration in Go cannot be planned: nobody can read from it what it will do",
                path=Path(name),
                do="Write it as SQL. If it has run everywhere, move it out of the folder.",
            )


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each SQL file with a version."""
    for name in folder.names(".sql"):
        if NAME.fullmatch(name):
            yield (SourceFile(name, folder.read(name)),)


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
    found: dict[str, Section] = {}
    for marker, piece in cut_at(whole(file), DIRECTION):
        word = marker["word"].lower() if marker else ""
        if word in found or (word == "up" and "down" in found):
            raise _wrong(file, piece.line - 1, f"`-- +goose {word.title()}` has no place here")
        found[word] = read_pieces(
            file,
            [piece],
            dialect,
            transactional=transactional,
            line=piece.line - 1,
            end=_end(piece),
        )
    if "up" not in found:
        raise _wrong(file, 1, "there is no `-- +goose Up` line")
    if found[""].statements:
        line = found[""].statements[0].line
        raise _wrong(file, line, "SQL above `-- +goose Up`, which goose does not run")
    return Sections(found["up"], way_back(found.get("down")))


def _end(piece: Piece) -> int:
    return piece.line + piece.text.count("\n")


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
