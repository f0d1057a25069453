"""refinery: a row for each version, with a SipHash-1-3 of its name, its version and its text.

https://github.com/rust-db/refinery/blob/main/refinery_core/src/runner.rs
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import Expression, Noting, for_each
from lockgate.planner.adoption.siphash import siphash13
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    as_moment,
    by_number,
    each_row,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import spellings, up_text
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration

WIDTHS = (4, 8)
"""Bytes of a version: 8 where refinery was built with `int8-versions`."""


def checksum_of(name: str, version: int, text: bytes, width: int) -> int:
    """The checksum of a migration, as Rust's `Hash` feeds it: a string ends with 0xff.

    >>> checksum_of("initial", 1, b"select 1;", 4) == checksum_of("initial", 1, b"select 1;", 8)
    False
    """
    number = version.to_bytes(width, "little", signed=True)
    return siphash13(name.encode() + b"\xff" + number + text + b"\xff")


def _applied(row: TableRow) -> AppliedThere:
    return AppliedThere(
        version=text_of(row["version"]),
        name=text_of(row["name"]),
        at=as_moment(row["applied_on"]),
        checksum=text_of(row["checksum"]),
    )


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the SipHash, with versions of either width, and however the lines of the file end."""
    return applied.checksum in {
        str(checksum_of(migration.name, int(applied.version), text, width))
        for text in spellings(migration)
        for width in WIDTHS
    }


RFC_3339 = {
    True: "date_format(utc_timestamp(), '%Y-%m-%dT%H:%i:%sZ')",
    False: "to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
}
"""Now, on an engine with quotes of backticks, and on others."""


def _width(noting: Noting) -> int:
    """That of the rows which are there; of the narrower ones where none shows it."""
    known = ((file, noting.rows[file.key]) for file in noting.files if file.key in noting.rows)
    return max((_width_of(*one) for one in known), default=WIDTHS[0])


def _width_of(migration: Migration, applied: AppliedThere) -> int:
    for text in spellings(migration):
        for width in WIDTHS:
            if (
                str(checksum_of(migration.name, int(applied.version), text, width))
                == applied.checksum
            ):
                return width
    return WIDTHS[0]


def _note(noting: Noting, migration: Migration) -> str:
    version, text = int(migration.version), up_text(migration).encode()
    return noting.insert(
        version=version,
        name=migration.name,
        applied_on=Expression(RFC_3339[noting.dialect.backtick_quotes]),
        checksum=str(checksum_of(migration.name, version, text, _width(noting))),
    )


TOOL = MigrationTool(
    name="refinery",
    tables=words("refinery_schema_history"),
    columns=words("version name applied_on checksum"),
    read=each_row(_applied, by_number("version")),
    verify=_verify,
    note=for_each(_note),
    forget=for_each(lambda noting, one: noting.delete(version=int(noting.row(one).version))),
)
