"""node-pg-migrate: a row for each file, by its name without what ends it.

https://github.com/salsita/node-pg-migrate/blob/main/src/runner.ts
"""

from __future__ import annotations

from lockgate.planner.adoption.noting import NOW, for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    as_moment,
    by_number,
    each_row,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow


def _applied(row: TableRow) -> AppliedThere:
    """The digits of a file's name are its version."""
    name = text_of(row["name"])
    version = name.partition("_")[0].partition("-")[0]
    return AppliedThere(version, f"{name}.sql", as_moment(row["run_on"]))


TOOL = MigrationTool(
    name="node-pg-migrate",
    tables=words("pgmigrations"),
    columns=words("id name run_on"),
    read=each_row(_applied, by_number("id")),
    note=for_each(
        lambda noting, one: noting.insert(name=one.filename.removesuffix(".sql"), run_on=NOW)
    ),
    forget=for_each(
        lambda noting, one: noting.delete(name=noting.row(one).name.removesuffix(".sql"))
    ),
)
