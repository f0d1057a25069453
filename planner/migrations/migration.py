"""A migration as a value: one change of a schema, with its files, its identity and its sections.

Takes text and bytes, never a path to open; reads no format: `planner.migrations.format` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from lockgate.planner.migrations.waiver import Waiver
from lockgate.planner.sql.statements import DelimiterLeft, Statement
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, is_repeatable, version_key

if TYPE_CHECKING:
    from lockgate.planner.plan.contract import Contract
    from lockgate.planner.plan.filetext import Role
    from lockgate.planner.plan.statement import Batch, Condition, Online

LONGEST = 255  # characters: the width of the history table's columns
BOM = b"\xef\xbb\xbf"
OWN = "lockgate"
"""The format that is our own."""


@frozen
class Section:
    """What one direction of a migration runs.

    `line` is its marker's, from 1, and 0 where all of the file is one; `end` is the line that is
    no more of it, and None where the file ends. `file` is the one that it is in.
    """

    statements: tuple[Statement, ...]
    transactional: bool
    line: int
    waivers: tuple[Waiver, ...] = ()
    """Those of the file as a whole first; `lint` applies them."""
    delimiter_left: DelimiterLeft | None = None
    file: str = ""
    end: int | None = None
    batch: Batch | None = None
    """How its one statement runs in batches; None: it is no such section."""
    online: Online | None = None
    """How a program does its one statement by a copy; None: it is no such section."""
    conditions: Mapping[int, Condition] = field(default_factory=dict)
    """When a statement runs, by its line; of the others always."""


@frozen
class SourceFile:
    """A file of a migration, or a part of one: its name, relative to the migrations directory, and
    its text without a BOM, which begins at `line` of the file.

    `role` is what it is to its migration: its SQL in both directions or in one, its settings, or
    what a journal of the folder says of it."""

    name: str
    text: str
    role: Role = "both"
    line: int = 1


@frozen
class Migration:
    """A migration's identity and files; `parse_sections` reads the SQL when it is needed.

    `filename` is that of the file with the up section, relative to the migrations directory.
    """

    version: str
    name: str
    filename: str
    checksum: str
    requires: tuple[str, ...]
    files: tuple[SourceFile, ...]
    template: bool = False
    format: str = OWN
    contract: Contract | None = None
    """What it takes away, and from when on it may."""

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared: `1` and `001` are the same."""
        return version_key(self.version)

    @property
    def repeatable(self) -> bool:
        """Whether it runs again when it changes."""
        return is_repeatable(self.version)

    @property
    def text(self) -> str:
        """That of its files, one after the other."""
        return "".join(file.text for file in self.files)


@frozen
class Sections:
    """Both directions of a migration; `down` is None when it has no way back, and has no statement
    when its file says that there is nothing to undo."""

    up: Section
    down: Section | None


def checksum(data: bytes) -> str:
    """SHA-256, in hex, of a file's bytes without a BOM and with CRLF as LF.

    For a file with LF line ends it is what `sha256sum` prints; a checkout on Windows
    does not change it.

    >>> checksum(b"select 1;\\r\\n") == checksum(b"select 1;\\n")
    True
    """
    return hashlib.sha256(data.removeprefix(BOM).replace(b"\r\n", b"\n")).hexdigest()


def checksum_of(format_name: str, files: tuple[SourceFile, ...]) -> str:
    """The checksum of a migration: of our own format that of its file, and of any other SHA-256,
    in hex, of lines with the format's name, and the role and the checksum of each file.

    So no text can be passed off as another format's, where it would mean something else.
    """
    sums = [checksum(file.text.encode("utf-8", "surrogatepass")) for file in files]
    if format_name == OWN:
        return sums[0]
    lines = [f"{file.role} {one}" for file, one in zip(files, sums, strict=True)]
    return checksum("".join(f"{line}\n" for line in (format_name, *lines)).encode())
