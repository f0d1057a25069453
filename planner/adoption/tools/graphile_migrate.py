"""graphile-migrate: a row for each committed file, with a hash that chains them.

https://github.com/graphile/migrate/blob/main/src/migration.ts
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import Noting, for_each, for_each_back
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    as_moment,
    each_row,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import up_text
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration

HEADER = re.compile(r"--! (?P<key>[A-Z][a-zA-Z0-9_]*)(?::(?P<value>.*))?")
FIRST = ("", "-")
"""The hash before the first."""


def read_headers(text: str) -> tuple[dict[str, str], str]:
    """What a committed file says of itself, and its SQL."""
    lines, headers = text.replace("\r\n", "\n").split("\n"), dict[str, str]()
    while lines and (match := HEADER.fullmatch(lines[0])):
        headers[match["key"]] = (match["value"] or "").strip()
        lines = lines[1:]
    return headers, "\n".join(lines).strip()


def chained_hash(text: str) -> tuple[str, bool]:
    """The hash that a committed file has by its text and by the hash before it, which its header
    names; and whether that header says that another one is allowed."""
    headers, body = read_headers(text)
    previous = headers.get("Previous", "")
    chained = f"{'' if previous in FIRST else previous}\n{body}".strip() + "\n"
    digest = hashlib.sha1(chained.encode(), usedforsecurity=False).hexdigest()
    return f"sha1:{digest}", "AllowInvalidHash" in headers


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By its own hash, which holds all before it; None where the file allows any."""
    found, is_any = chained_hash(up_text(migration))
    return None if is_any else found == applied.checksum


def _applied(row: TableRow) -> AppliedThere:
    """The digits of a file's name are its version."""
    name = text_of(row["filename"])
    version = name.removesuffix(".sql").partition("-")[0]
    return AppliedThere(version, name, as_moment(row["date"]), checksum=text_of(row["hash"]))


def _note(noting: Noting, migration: Migration) -> str:
    """As its header says, which is what graphile-migrate writes."""
    headers, _ = read_headers(up_text(migration))
    previous = headers.get("Previous", "")
    return noting.insert(
        hash=headers.get("Hash", ""),
        previous_hash=None if previous in FIRST else previous,
        filename=migration.filename.rpartition("/")[2],
    )


TOOL = MigrationTool(
    name="graphile-migrate",
    tables=words("migrations"),
    own_schemas=words("graphile_migrate"),
    columns=words("hash previous_hash filename date"),
    companions=words("current"),
    schema="graphile_migrate",
    read=each_row(_applied, lambda row: text_of(row["filename"])),
    verify=_verify,
    note=for_each(_note),
    forget=for_each_back(lambda noting, one: noting.delete(filename=noting.row(one).name)),
)
