"""sqlx: a row for each applied version, with the SHA-384 of its file.

https://github.com/launchbadge/sqlx/blob/main/sqlx-core/src/migrate/migration.rs
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import Noting, for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    is_true,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import spellings, up_text
from lockgate.planner.database.occupancy import TableRow
from lockgate.planner.versions import version_key

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says; a row without success is of a migration that failed outside of a
    transaction."""
    ordered = sorted(rows, key=lambda row: version_key(text_of(row["version"])))
    troubles = tuple(
        f"sqlx's migration {text_of(row['version'])} failed half-way. Finish or undo it by hand, "
        "then correct its row: `success` true, or no row."
        for row in ordered
        if not is_true(row["success"])
    )
    applied = tuple(_applied(row) for row in ordered if is_true(row["success"]))
    return Testimony(applied, troubles=troubles)


def _applied(row: TableRow) -> AppliedThere:
    return AppliedThere(
        version=text_of(row["version"]),
        name=text_of(row["description"]),
        at=as_moment(row["installed_on"]),
        checksum=bytes(row["checksum"]).hex(),
    )


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the SHA-384 of the file with the up section, however its lines end."""
    return applied.checksum in {hashlib.sha384(data).hexdigest() for data in spellings(migration)}


def _note(noting: Noting, migration: Migration) -> str:
    return noting.insert(
        version=int(migration.version),
        description=migration.name.replace("_", " "),
        success=True,
        checksum=hashlib.sha384(up_text(migration).encode()).digest(),
        execution_time=0,
    )


TOOL = MigrationTool(
    name="sqlx",
    tables=words("_sqlx_migrations"),
    columns=words("version description installed_on success checksum execution_time"),
    read=_read,
    verify=_verify,
    note=for_each(_note),
    forget=for_each(lambda noting, one: noting.delete(version=int(noting.row(one).version))),
)
