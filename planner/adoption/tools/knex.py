"""knex: a row for each file, by its name, and a lock beside it.

https://github.com/knex/knex/blob/master/lib/migrations/migrate/table-creator.js
"""

from __future__ import annotations

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


def _applied(row: TableRow) -> AppliedThere:
    """The digits of a file's name are its version."""
    name = text_of(row["name"])
    return AppliedThere(name.partition("_")[0], name, as_moment(row["migration_time"]))


TOOL = MigrationTool(
    name="knex",
    tables=words("knex_migrations"),
    columns=words("id name batch migration_time"),
    companions=words("knex_migrations_lock"),
    asked=(lock_of("knex", "knex_migrations_lock", "is_locked", "`knex migrate:unlock`"),),
    reads_all=False,
    read=each_row(_applied, by_number("id")),
)
