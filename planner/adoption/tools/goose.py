"""goose: a row for each time that a version was applied or rolled back; the newest counts.

Row 0 is there from the start. https://github.com/pressly/goose/tree/main/internal/dialects
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.noting import for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    is_true,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow
from lockgate.planner.versions import version_key


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: of several rows of a version, the one with the highest id."""
    newest = {text_of(row["version_id"]): row for row in sorted(rows, key=lambda row: row["id"])}
    applied = [
        AppliedThere(version, at=as_moment(row["tstamp"]))
        for version, row in newest.items()
        if is_true(row["is_applied"]) and version != "0"
    ]
    return Testimony(tuple(sorted(applied, key=lambda one: version_key(one.version))))


TOOL = MigrationTool(
    name="goose",
    tables=words("goose_db_version"),
    columns=words("id version_id is_applied tstamp"),
    read=_read,
    note=for_each(lambda noting, one: noting.insert(version_id=int(one.version), is_applied=True)),
    forget=for_each(lambda noting, one: noting.delete(version_id=int(noting.row(one).version))),
)
