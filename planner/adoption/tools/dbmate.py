"""dbmate: one row for each applied version, and nothing else.

https://github.com/amacneil/dbmate/blob/main/pkg/driver/postgres/postgres.go
"""

from __future__ import annotations

from lockgate.planner.adoption.noting import for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    by_version,
    each_row,
    text_of,
    words,
)

TOOL = MigrationTool(
    name="dbmate",
    tables=words("schema_migrations"),
    columns=words("version"),
    exact=True,
    without=words("ar_internal_metadata"),  # that is Rails', whose table looks the same
    read=each_row(lambda row: AppliedThere(text_of(row["version"])), by_version("version")),
    note=for_each(lambda noting, one: noting.insert(version=one.version)),
    forget=for_each(lambda noting, one: noting.delete(version=noting.row(one).version)),
)
