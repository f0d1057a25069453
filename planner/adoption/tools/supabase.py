"""Supabase: a row for each file, with its statements, in a schema of its own.

https://github.com/supabase/cli/blob/main/pkg/migration/history.go
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

REPAIR = "supabase migration repair --db-url URL"

TOOL = MigrationTool(
    name="Supabase",
    tables=words("schema_migrations"),
    own_schemas=words("supabase_migrations"),
    columns=words("version name statements"),
    companions=words("seed_files"),
    schema="supabase_migrations",
    read=each_row(
        lambda row: AppliedThere(text_of(row["version"]), text_of(row["name"])),
        by_version("version"),
    ),
    note=for_each(lambda noting, one: f"{REPAIR} --status applied {one.version}"),
    forget=for_each(lambda noting, one: f"{REPAIR} --status reverted {noting.row(one).version}"),
)
