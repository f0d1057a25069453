"""Supabase: a row for each file, with its statements, in a schema of its own.

https://github.com/supabase/cli/blob/main/pkg/migration/history.go
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.tool import AppliedThere, MigrationTool, Testimony, text_of, words
from lockgate.planner.database.occupancy import TableRow


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says."""
    ordered = sorted(rows, key=lambda row: text_of(row["version"]))
    return Testimony(
        tuple(AppliedThere(text_of(row["version"]), text_of(row["name"])) for row in ordered)
    )


TOOL = MigrationTool(
    name="Supabase",
    tables=words("schema_migrations"),
    columns=words("version name statements"),
    companions=words("seed_files"),
    schema="supabase_migrations",
    read=_read,
)
