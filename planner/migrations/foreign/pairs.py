"""Pairs of files, one for each direction: what several formats share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.sections import read_pieces, whole
from lockgate.planner.migrations.migration import Migration, Section, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.versions import VersionKey, version_key

if TYPE_CHECKING:
    from lockgate.planner.plan.filetext import Role


def collect_pairs(folder: Folder, names: re.Pattern[str]) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each version, up first, in the order of their names.

    The group `version` says which belong together, whatever their names are, and `role` which is
    `down`.

    Raises:
        MigrationFileError: one goes down and none goes up, or two go down.
    """
    ups: list[tuple[VersionKey, str]] = []
    downs: dict[VersionKey, str] = {}
    for file in folder.names(".sql"):
        if match := names.fullmatch(file):
            key = version_key(match["version"])
            if (match["role"] or "").lower() != "down":
                ups.append((key, file))
            elif (other := downs.setdefault(key, file)) != file:
                raise _misplaced(file, f"{other} goes down from this version too", "Remove one.")
    for key in downs.keys() - dict(ups).keys():
        do = "Add the file that goes up, or remove this one."
        raise _misplaced(downs[key], "it goes down, and no file goes up", do)
    for key, up in ups:
        yield pair(folder, up, downs.get(key))


def _misplaced(file: str, what: str, do: str) -> MigrationFileError:
    return MigrationFileError(what, path=Path(file), do=do)


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
