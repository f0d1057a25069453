"""Drizzle: a row for each file, by the SHA-256 of its text and its time in the journal.

https://github.com/drizzle-team/drizzle-orm/blob/main/drizzle-orm/src/migrator.ts
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import Noting, for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    by_number,
    each_row,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import spellings, up_text
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration


def _applied(row: TableRow) -> AppliedThere:
    """`created_at` is no time of a run: it is what the journal has for the file."""
    digest = text_of(row["hash"])
    return AppliedThere(digest, text_of(row["created_at"]), checksum=digest)


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the SHA-256 of its file, however its lines end."""
    return applied.checksum in {hashlib.sha256(data).hexdigest() for data in spellings(migration)}


def _is_of(migration: Migration, applied: AppliedThere) -> bool:
    """By its hash; else, since its file was changed, by the time that the journal has for it."""
    told = {file.text.strip() for file in migration.files if file.role == "header"}
    return _verify(migration, applied, ()) is True or applied.name in told


def _note(noting: Noting, migration: Migration) -> str:
    """By the time of the journal, which decides what runs; else by that in the folder's name."""
    digest = hashlib.sha256(up_text(migration).encode()).hexdigest()
    told = next((int(file.text) for file in migration.files if file.role == "header"), None)
    if told is None:
        named = datetime.strptime(migration.version[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        told = int(named.timestamp()) * 1000
    return noting.insert(hash=digest, created_at=told)


TOOL = MigrationTool(
    name="Drizzle",
    tables=words("__drizzle_migrations"),
    own_schemas=words("drizzle"),
    columns=words("id hash created_at"),
    read=each_row(_applied, by_number("created_at")),
    verify=_verify,
    is_of=_is_of,
    note=for_each(_note),
    forget=for_each(lambda noting, one: noting.delete(hash=noting.row(one).version)),
)
