"""The bytes that a file may have had for another tool: its line ends and its BOM are not kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration

BOM = b"\xef\xbb\xbf"


def spellings(migration: Migration) -> Iterator[bytes]:
    """The bytes of the file as another tool may have read it, the likeliest first."""
    plain = up_text(migration).replace("\r\n", "\n").encode("utf-8", "surrogatepass")
    for lines in (plain, plain.replace(b"\n", b"\r\n")):
        yield lines
        yield BOM + lines


def up_text(migration: Migration) -> str:
    """The text of the file with the up section."""
    return next(file.text for file in migration.files if file.role in ("both", "up"))
