"""yoyo: a row for each applied migration, by its name.

https://sr.ht/~olly/yoyo/
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
    """What its table says; the hash there is of the name, not of the file."""
    ordered = sorted(rows, key=lambda row: text_of(row["migration_id"]))
    return Testimony(
        tuple(
            AppliedThere(text_of(row["migration_id"]), at=as_moment(row["applied_at_utc"]))
            for row in ordered
        )
    )


TOOL = MigrationTool(
    name="yoyo",
    tables=words("_yoyo_migration"),
    columns=words("migration_hash migration_id applied_at_utc"),
    companions=words("_yoyo_log _yoyo_version yoyo_lock"),
    read=_read,
)
