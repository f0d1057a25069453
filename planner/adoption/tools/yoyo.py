"""yoyo: a row for each applied migration, by its name; the hash there is of the name.

https://sr.ht/~olly/yoyo/
"""

from __future__ import annotations

import re

from lockgate.planner.adoption.noting import for_each, for_each_back
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    as_moment,
    each_row,
    lock_of,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow


def _name(row: TableRow) -> str:
    return text_of(row["migration_id"])


def _applied(row: TableRow) -> AppliedThere:
    return AppliedThere(_name(row), at=as_moment(row["applied_at_utc"]))


CHOSEN = "--batch --database URL --match"

TOOL = MigrationTool(
    name="yoyo",
    tables=words("_yoyo_migration"),
    columns=words("migration_hash migration_id applied_at_utc"),
    companions=words("_yoyo_log _yoyo_version yoyo_lock"),
    asked=(lock_of("yoyo", "yoyo_lock", "locked", "`yoyo break-lock`"),),
    read=each_row(_applied, _name),
    note=for_each(lambda noting, one: f"yoyo mark {CHOSEN} '^{re.escape(one.version)}$' DIR"),
    forget=for_each_back(
        lambda noting, one: f"yoyo unmark {CHOSEN} '^{re.escape(noting.row(one).version)}$' DIR"
    ),
)
