"""knex: a row for each file, by its name, and a lock beside it.

https://github.com/knex/knex/blob/master/lib/migrations/migrate/table-creator.js
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: the digits of a file's name are its version."""
    ordered = sorted(rows, key=lambda row: int(row["id"]))
    return Testimony(tuple(map(_applied, ordered)))


def _applied(row: TableRow) -> AppliedThere:
    name = text_of(row["name"])
    return AppliedThere(name.partition("_")[0], name, as_moment(row["migration_time"]))


TOOL = MigrationTool(
    name="knex",
    tables=words("knex_migrations"),
    columns=words("id name batch migration_time"),
    companions=words("knex_migrations_lock"),
    reads_all=False,
    read=_read,
)
