"""sql-migrate: a row for each file, by its whole name.

https://github.com/rubenv/sql-migrate/blob/master/migrate.go
"""

from __future__ import annotations

import re

from lockgate.planner.adoption.noting import NOW, for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    as_moment,
    each_row,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow


def _name(row: TableRow) -> str:
    return text_of(row["id"])


def _applied(row: TableRow) -> AppliedThere:
    """The digits of a file's name are its version, else the name is."""
    stem = _name(row).removesuffix(".sql")
    digits = re.match(r"[0-9]*", stem)
    version = digits[0] if digits else ""
    return AppliedThere(version or stem, _name(row), as_moment(row["applied_at"]))


TOOL = MigrationTool(
    name="sql-migrate",
    tables=words("gorp_migrations migrations"),
    columns=words("id applied_at"),
    exact=True,
    read=each_row(_applied, _name),
    note=for_each(lambda noting, one: noting.insert(id=one.filename, applied_at=NOW)),
    forget=for_each(lambda noting, one: noting.delete(id=noting.row(one).name)),
)
