"""Pairs of files, one for each direction: what several formats share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.sections import read_pieces, whole
from lockgate.planner.migrations.migration import Migration, Section, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

if TYPE_CHECKING:
    from lockgate.planner.plan.filetext import Role


def collect_pairs(
    folder: Folder, names: re.Pattern[str], among: Iterable[str] | None = None
) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each version, up first, in the order of their names.

    The groups `version` and `name` say which belong together, and `role` which is `down`.

    Raises:
        MigrationFileError: one goes down and none goes up.
    """
    ups: dict[tuple[str, str], str] = {}
    downs: dict[tuple[str, str], str] = {}
    for file in folder.names(".sql") if among is None else among:
        if match := names.fullmatch(file):
            key = match["version"], match["name"]
            (downs if (match["role"] or "").lower() == "down" else ups)[key] = file
    for key, down in downs.items():
        if key not in ups:
            raise MigrationFileError(
                "it goes down, and no file goes up",
                path=Path(down),
                do="Add the file that goes up, or remove this one.",
            )
    for key, up in ups.items():
        yield pair(folder, up, downs.get(key))


def pair(folder: Folder, up: str, down: str | None) -> tuple[SourceFile, ...]:
    """The files of a migration with these names."""
    files = [SourceFile(up, folder.read(up), "up")]
    if down is not None:
        files.append(SourceFile(down, folder.read(down), "down"))
    return tuple(files)


def parse_pair(
    migration: Migration, dialect: Dialect, transactional: Mapping[Role, bool] | None = None
) -> Sections:
    """A section for each file; `transactional` says it for a role where its format does."""
    told = transactional or {}
    found = {
        file.role: read_pieces(file, [whole(file)], dialect, transactional=told.get(file.role))
        for file in migration.files
        if file.role in ("up", "down")
    }
    return Sections(found["up"], way_back(found.get("down")))


def way_back(section: Section | None) -> Section | None:
    """The section, where there is one that does something."""
    return section if section and section.statements else None
