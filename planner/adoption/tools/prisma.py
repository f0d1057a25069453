"""Prisma: a row for each time that a migration was begun, with the SHA-256 of its file.

https://github.com/prisma/prisma-engines/blob/main/schema-engine/connectors/schema-connector/src/checksum.rs
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import spellings
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: a row that was rolled back counts for nothing, and one that is not
    finished has failed."""
    applied: dict[str, AppliedThere] = {}
    troubles = []
    for row in sorted(rows, key=lambda row: text_of(row["started_at"])):
        name = text_of(row["migration_name"])
        if row["rolled_back_at"] is not None:
            continue
        if row["finished_at"] is None:
            troubles.append(_failed(name))
        else:
            applied[name] = AppliedThere(
                name.partition("_")[0], name, as_moment(row["finished_at"]),
                checksum=text_of(row["checksum"]),
            )  # fmt: skip
    return Testimony(tuple(applied[name] for name in sorted(applied)), troubles=tuple(troubles))


def _failed(name: str) -> str:
    return (
        f"Prisma's migration {name} failed half-way. Finish or undo it by hand, then run `prisma "
        f"migrate resolve --applied {name}`, or with `--rolled-back`."
    )


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the SHA-256 of its file, however its lines end; old rows lack zeros within the hex."""
    sums = {hashlib.sha256(data).digest() for data in spellings(migration)}
    return applied.checksum in {one.hex() for one in sums} | {_unpadded(one) for one in sums}


def _unpadded(digest: bytes) -> str:
    """As engines wrote it before https://github.com/prisma/prisma-engines/pull/1887."""
    return "".join(f"{byte:x}" for byte in digest)


TOOL = MigrationTool(
    name="Prisma",
    tables=words("_prisma_migrations"),
    columns=words(
        "id checksum finished_at migration_name logs rolled_back_at started_at applied_steps_count"
    ),
    read=_read,
    verify=_verify,
    # `--rolled-back` takes only what has failed.
    note=for_each(
        lambda noting, one: f"prisma migrate resolve --applied {one.filename.partition('/')[0]}"
    ),
    forget=for_each(lambda noting, one: noting.delete(migration_name=noting.row(one).name)),
)
