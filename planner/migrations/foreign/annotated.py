"""Files in which a line says where what goes up begins, and another where the way back does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import way_back
from lockgate.planner.migrations.foreign.sections import cut_at, read_pieces, whole
from lockgate.planner.migrations.migration import Section, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect


def collect_annotated(folder: Folder, names: re.Pattern[str]) -> Iterator[tuple[SourceFile, ...]]:
    """Each SQL file with such a name."""
    for name in folder.names(".sql"):
        if names.fullmatch(name):
            yield (SourceFile(name, folder.read(name)),)


def cut_sections(
    file: SourceFile,
    markers: re.Pattern[str],
    dialect: Dialect,
    transactional: Mapping[str, bool] | None = None,
) -> dict[str, Section]:
    """The sections after the markers, by their group `word` in lower case; what is above the first
    is that of an empty word. `transactional` says it for a word where the format does.

    Raises:
        MigrationFileError: a word is there twice.
    """
    found: dict[str, Section] = {}
    for marker, piece in cut_at(whole(file), markers):
        word = marker["word"].lower() if marker else ""
        if marker and word in found:
            raise _misplaced(file, marker[0], piece.line - 1)
        found[word] = read_pieces(
            file,
            [piece],
            dialect,
            transactional=(transactional or {}).get(word),
            line=piece.line - 1,
            end=piece.line + piece.text.count("\n"),
        )
    return found


def refuse_down_first(file: SourceFile, found: Mapping[str, Section], marker: str) -> None:
    """Raises MigrationFileError when the way back is above `marker`, where its tool refuses it."""
    if "up" in found and "down" in found and found["down"].line < found["up"].line:
        raise _misplaced(file, marker, found["up"].line)


def _misplaced(file: SourceFile, marker: str, line: int) -> MigrationFileError:
    return MigrationFileError(
        f"`{marker.strip()}` has no place here",
        path=Path(file.name),
        line=line,
        do="Correct the annotations: up first, then down, each once.",
    )


def annotated_sections(file: SourceFile, found: Mapping[str, Section], marker: str) -> Sections:
    """The sections of a file in which nothing may be above the one that goes up.

    Raises:
        MigrationFileError: something does, or `marker`, which begins that section, is missing.
    """
    what, line = "", 1
    if "up" not in found:
        what = f"there is no `{marker}` line"
    elif found[""].statements:
        what, line = (
            f"SQL above `{marker}`, which its tool does not run",
            found[""].statements[0].line,
        )
    if what:
        raise MigrationFileError(
            what, path=Path(file.name), line=line, do="Correct the annotations."
        )
    return Sections(found["up"], way_back(found.get("down")))
