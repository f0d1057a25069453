"""graphile-migrate: `committed/000001.sql`, written by its `commit` from `current.sql`.

https://github.com/graphile/migrate
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.placeholders import fill
from lockgate.planner.migrations.foreign.sections import read_pieces, read_required, whole
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "graphile-migrate"
LAYOUT = "committed/000001.sql, or committed/000001-name.sql"
NOT_TAKEN = "current.sql and current/, which are not committed yet; fixtures; actions of .gmrc"
ALONE = "`--! no-transaction` as its first line"

NAME = re.compile(r"committed/(?P<version>[0-9]+)(?:-(?P<name>[^/]+))?\.sql")
MESSAGE = re.compile(r"^--! Message:[ \t]*(?P<text>[^\r\n]*\S)", re.MULTILINE)
NO_TRANSACTION = re.compile(r"^--![ \t]*no-transaction\b", re.MULTILINE)
PLACEHOLDER = re.compile(r"(?<![:\w]):(?P<name>DATABASE_[A-Z]+)\b")


def recognise(folder: Folder) -> bool:
    """Whether there is a folder of committed migrations."""
    return any(NAME.fullmatch(name) for name in folder.tree)


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each committed file."""
    for name in folder.tree:
        if NAME.fullmatch(name):
            yield (SourceFile(name, folder.read(name), "up"),)


def warnings(folder: Folder) -> Iterator[str]:
    """A sentence for what is being written."""
    for name in ("current.sql", "current/1-current.sql"):
        if folder.has(name) and any(
            line.strip() and not line.lstrip().startswith("--")
            for line in folder.read(name).splitlines()
        ):
            yield f"{name} is not committed, and is passed over."


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name and the message say."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError("not the name of a committed migration of graphile-migrate")
    message = MESSAGE.search(files[0].text)
    name = match["name"] or (message["text"][:255] if message else "committed")
    has_placeholders = PLACEHOLDER.search(files[0].text) is not None
    return Header(match["version"], name, read_required(files[0]), has_placeholders)


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """All of the file, in one transaction unless it says otherwise."""
    (file,) = migration.files
    filled = fill(file, PLACEHOLDER, variables) if migration.template else file
    transactional = NO_TRANSACTION.search(file.text) is None
    return Sections(read_pieces(file, [whole(filled)], dialect, transactional=transactional), None)
