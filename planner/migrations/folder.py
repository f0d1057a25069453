"""A migrations directory on the disk: which files it holds, and their text.

Follows no link out of the project, and knows no format.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.foreign.contexts import UNDECIDED, Decided
from lockgate.planner.project import (
    INSTEAD,
    OUTWARD,
    WHY_NOT,
    find_checkout,
    leads_out,
    read_regular,
)

# Bytes in a literal would be others if the file were saved in another encoding. Not every dump says
# `_binary` before them.
BYTES = re.compile(rb"_binary\s*['\"]|^-- (?:MySQL|MariaDB) dump ", re.IGNORECASE | re.MULTILINE)
HEX = (
    "Do not convert the file: that would change the bytes in its rows. Make the dump again with "
    "`--hex-blob`, an option of mysqldump and mariadb-dump."
)
DEEPEST = 4
"""Folders within folders that are looked into."""


class Folder:
    """The files of a directory. Names are relative to it, with `/`; hidden ones are left out."""

    def __init__(self, path: Path, decided: Decided = UNDECIDED) -> None:
        self.path = path
        self.decided = decided
        self.unread: dict[str, MigrationFileError] = {}
        """Why a file could not be read, by its name."""
        self._texts: dict[str, str] = {}

    @cached_property
    def _top(self) -> tuple[str, ...]:
        """What it holds itself, broken links and pipes too, so that they are refused by name."""
        with os.scandir(self.path) as found:
            return tuple(
                sorted(
                    one.name
                    for one in found
                    if not one.name.startswith(".") and not one.is_dir(follow_symlinks=False)
                )
            )

    @cached_property
    def tree(self) -> tuple[str, ...]:
        """The names of all files, in folders too; links to folders are not followed."""
        return tuple(sorted(self._walk()))

    def names(self, *endings: str) -> tuple[str, ...]:
        """Those right in the folder, sorted, with one of these endings in any case."""
        return tuple(name for name in self._top if name.lower().endswith(endings))

    def has(self, name: str) -> bool:
        """Whether there is such a file, by its name relative to the folder."""
        return (self.path / name).is_file()

    def has_above(self, *names: str) -> bool:
        """Whether a folder around it, within the project, holds a file of one of these names."""
        here = self.path.resolve()
        checkout = find_checkout(here)
        top = checkout.top if checkout else here.parent
        around = [here, *(one for one in here.parents if one.is_relative_to(top))]
        return any((folder / name).is_file() for folder in around for name in names)

    def read(self, name: str) -> str:
        """The text of a file without a BOM; its line ends stay.

        Empty, with an error in `unread`, where it cannot be read, is no UTF-8, or is a link that
        leads out: so the other files are read all the same.
        """
        if name not in self._texts:
            try:
                self._texts[name] = decode(name, self._bytes(name))
            except MigrationFileError as error:
                self._texts[name] = ""
                self.unread[name] = error
        return self._texts[name]

    def _walk(self) -> Iterator[str]:
        for place, folders, files in os.walk(self.path):
            inner = Path(place).relative_to(self.path)
            folders[:] = [one for one in folders if not one.startswith(".")]
            if len(inner.parts) >= DEEPEST:
                folders.clear()
            yield from ((inner / one).as_posix() for one in files if not one.startswith("."))

    def _bytes(self, name: str) -> bytes:
        """The folder is known not to lead out: then only a link in it may."""
        file = self.path / name
        if (file.is_symlink() or "/" in name) and leads_out(file):
            raise MigrationFileError(OUTWARD, path=Path(name), why=WHY_NOT, do=INSTEAD)
        try:
            return read_regular(file)
        except OSError as error:
            raise MigrationFileError(
                f"the file cannot be read: {error.strerror}",
                path=Path(name),
                do="Make it readable, or move it out of the migrations directory.",
            ) from error


def decode(filename: str, data: bytes) -> str:
    """The text without a BOM. Its line ends stay: a literal, a body or rows may hold CRLF.

    Raises:
        MigrationFileError: it is no UTF-8.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MigrationFileError(
            f"byte {error.start} (0x{data[error.start]:02x}) is not valid UTF-8",
            path=Path(filename),
            line=data.count(b"\n", 0, error.start) + 1,
            do=HEX if BYTES.search(data) else "Save the file as UTF-8.",
        ) from error
    return text.removeprefix("\ufeff")
