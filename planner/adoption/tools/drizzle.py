"""Drizzle: a row for each file, by the SHA-256 of its text alone.

https://github.com/drizzle-team/drizzle-orm/blob/main/drizzle-orm/src/migrator.ts
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.tool import AppliedThere, MigrationTool, Testimony, text_of, words
from lockgate.planner.adoption.variants import spellings
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: a file is known by its hash."""
    ordered = sorted(rows, key=lambda row: int(row["created_at"] or 0))
    return Testimony(tuple(map(_applied, ordered)))


def _applied(row: TableRow) -> AppliedThere:
    digest = text_of(row["hash"])
    return AppliedThere(digest, checksum=digest)


def _verify(migration: Migration, applied: AppliedThere) -> bool | None:
    """By the SHA-256 of its file, however its lines end."""
    return applied.checksum in {hashlib.sha256(data).hexdigest() for data in spellings(migration)}


TOOL = MigrationTool(
    name="Drizzle",
    tables=words("__drizzle_migrations"),
    columns=words("id hash created_at"),
    read=_read,
    verify=_verify,
)
