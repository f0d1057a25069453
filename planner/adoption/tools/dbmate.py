"""dbmate: one row for each applied version, and nothing else.

https://github.com/amacneil/dbmate/blob/main/pkg/driver/postgres/postgres.go
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.tool import AppliedThere, MigrationTool, Testimony, text_of, words
from lockgate.planner.database.occupancy import TableRow
from lockgate.planner.versions import version_key


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says."""
    versions = sorted((text_of(row["version"]) for row in rows), key=version_key)
    return Testimony(tuple(map(AppliedThere, versions)))


TOOL = MigrationTool(
    name="dbmate",
    tables=words("schema_migrations"),
    columns=words("version"),
    exact=True,
    without=words("ar_internal_metadata"),  # that is Rails', whose table looks the same
    read=_read,
)
