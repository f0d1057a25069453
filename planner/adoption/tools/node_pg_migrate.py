"""node-pg-migrate: a row for each file, by its name without what ends it.

https://github.com/salsita/node-pg-migrate/blob/main/src/runner.ts
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
    version = name.partition("_")[0].partition("-")[0]
    return AppliedThere(version, f"{name}.sql", as_moment(row["run_on"]))


TOOL = MigrationTool(
    name="node-pg-migrate",
    tables=words("pgmigrations"),
    columns=words("id name run_on"),
    read=_read,
)
