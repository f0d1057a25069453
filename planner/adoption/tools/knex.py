"""knex: a row for each file, by its name, and a lock beside it.

https://github.com/knex/knex/blob/master/lib/migrations/migrate/table-creator.js
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import NOW, Noting, for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    as_moment,
    by_number,
    each_row,
    lock_of,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration


def _applied(row: TableRow) -> AppliedThere:
    """The digits of a file's name are its version."""
    name = text_of(row["name"])
    return AppliedThere(name.partition("_")[0], name, as_moment(row["migration_time"]))


def _note(noting: Noting, migration: Migration) -> str:
    """The file of knex is named as ours, but for what ends it."""
    ends = (row.name.rpartition(".")[2] for row in noting.rows.values())
    name = f"{migration.filename.removesuffix('.sql')}.{next(ends, 'js')}"
    return noting.insert_next("batch", name=name, migration_time=NOW)


TOOL = MigrationTool(
    name="knex",
    tables=words("knex_migrations"),
    columns=words("id name batch migration_time"),
    companions=words("knex_migrations_lock"),
    asked=(lock_of("knex", "knex_migrations_lock", "is_locked", "`knex migrate:unlock`"),),
    reads_all=False,
    read=each_row(_applied, by_number("id")),
    note=for_each(_note),
    forget=for_each(lambda noting, one: noting.delete(name=noting.row(one).name)),
    marking="a row in {table} with the file's name",
    unmarking="delete from {table} where name = 'FILE.js';",
)
