"""Django: a row for each migration of each app.

https://github.com/django/django/blob/main/django/db/migrations/recorder.py
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
    """What its table says: an app and its migration are one version."""
    ordered = sorted(rows, key=lambda row: int(row["id"]))
    return Testimony(
        tuple(
            AppliedThere(
                f"{text_of(row['app'])}.{text_of(row['name'])}", at=as_moment(row["applied"])
            )
            for row in ordered
        )
    )


TOOL = MigrationTool(
    name="Django",
    tables=words("django_migrations"),
    columns=words("id app name applied"),
    reads_all=False,
    read=_read,
)
