"""Rails: one row for each applied version, beside `ar_internal_metadata`.

https://github.com/rails/rails/blob/main/activerecord/lib/active_record/schema_migration.rb
"""

from __future__ import annotations

from lockgate.planner.adoption.tool import MigrationTool, words
from lockgate.planner.adoption.tools import dbmate

TOOL = MigrationTool(
    name="Rails",
    tables=words("schema_migrations"),
    columns=words("version"),
    exact=True,
    beside=words("ar_internal_metadata"),
    reads_all=False,
    read=dbmate.TOOL.read,
    note=dbmate.TOOL.note,
    forget=dbmate.TOOL.forget,
    marking="a row in {table} with its version",
    unmarking="delete from {table} where version = 'VERSION';",
)
