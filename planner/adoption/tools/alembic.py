"""Alembic: a row for each head, and nothing of what leads to it.

https://github.com/sqlalchemy/alembic/blob/main/alembic/ddl/impl.py
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.tool import AppliedThere, MigrationTool, Testimony, text_of, words
from lockgate.planner.database.occupancy import TableRow


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: the heads that the database is at."""
    heads = sorted(text_of(row["version_num"]) for row in rows)
    return Testimony(tuple(map(AppliedThere, heads)))


TOOL = MigrationTool(
    name="Alembic",
    tables=words("alembic_version"),
    columns=words("version_num"),
    exact=True,
    read=_read,
    reads_all=False,
)
