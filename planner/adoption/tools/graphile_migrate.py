"""graphile-migrate: a row for each committed file, with a hash that chains them.

https://github.com/graphile/migrate/blob/main/src/migration.ts
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
    ordered = sorted(rows, key=lambda row: text_of(row["filename"]))
    return Testimony(tuple(map(_applied, ordered)))


def _applied(row: TableRow) -> AppliedThere:
    name = text_of(row["filename"])
    version = name.removesuffix(".sql").partition("-")[0]
    return AppliedThere(version, name, as_moment(row["date"]))


TOOL = MigrationTool(
    name="graphile-migrate",
    tables=words("migrations"),
    columns=words("hash previous_hash filename date"),
    companions=words("current"),
    schema="graphile_migrate",
    read=_read,
)
