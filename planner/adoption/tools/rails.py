"""Rails: one row for each applied version, beside `ar_internal_metadata`.

https://github.com/rails/rails/blob/main/activerecord/lib/active_record/schema_migration.rb
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
    name="Rails",
    tables=words("schema_migrations"),
    columns=words("version"),
    exact=True,
    beside=words("ar_internal_metadata"),
    reads_all=False,
    read=_read,
)
