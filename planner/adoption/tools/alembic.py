"""Alembic: a row for each head, and nothing of what leads to it.

https://github.com/sqlalchemy/alembic/blob/main/alembic/ddl/impl.py
"""

from __future__ import annotations

from lockgate.planner.adoption.tool import AppliedThere, MigrationTool, each_row, text_of, words
from lockgate.planner.database.occupancy import TableRow


def _head(row: TableRow) -> str:
    return text_of(row["version_num"])


TOOL = MigrationTool(
    name="Alembic",
    tables=words("alembic_version"),
    columns=words("version_num"),
    exact=True,
    reads_all=False,
    read=each_row(lambda row: AppliedThere(_head(row)), _head),
    marking="`alembic stamp REVISION`",
    unmarking="alembic stamp REVISION   (the last one that is left, or base)",
)
