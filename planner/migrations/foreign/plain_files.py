"""Plain files: `1_name.sql` holds what goes up and nothing else; what several formats share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import SourceFile

NAME = re.compile(r"(?P<version>[0-9]+)[_-](?P<name>.+)\.sql", re.IGNORECASE)
MARKED = re.compile(
    r"^\s*--\s*(?:migrate:(?:up|down)|\+(?:goose|migrate)\b|liquibase formatted|changeset"
    r"|[\s-]*(?:up|down) migration\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""What says that a file is another tool's."""


def is_plain(folder: Folder) -> bool:
    """Whether there are files named so, and none with a tool's marker."""
    names = [name for name in folder.names(".sql") if NAME.fullmatch(name)]
    return bool(names) and not any(MARKED.search(folder.read(name)) for name in names)


def collect_plain(folder: Folder) -> Iterator[tuple[SourceFile, ...]]:
    """Each file with a version."""
    for name in folder.names(".sql"):
        if NAME.fullmatch(name):
            yield (SourceFile(name, folder.read(name), "up"),)


def read_plain_header(files: tuple[SourceFile, ...], tool: str) -> Header:
    """What the name says."""
    match = NAME.fullmatch(files[0].name)
    if match is None:
        raise MigrationFileError(f"not the name of a migration of {tool}")
    return Header(match["version"], match["name"], read_required(files[0]))
