"""Django: a row for each migration of each app.

https://github.com/django/django/blob/main/django/db/migrations/recorder.py
"""

from __future__ import annotations

from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    as_moment,
    by_number,
    each_row,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow


def _applied(row: TableRow) -> AppliedThere:
    """An app and its migration are one version."""
    version = f"{text_of(row['app'])}.{text_of(row['name'])}"
    return AppliedThere(version, at=as_moment(row["applied"]))


TOOL = MigrationTool(
    name="Django",
    tables=words("django_migrations"),
    columns=words("id app name applied"),
    reads_all=False,
    read=each_row(_applied, by_number("id")),
    marking="`python manage.py migrate --fake APP NAME`",
    unmarking="python manage.py migrate --fake APP NAME   (the last one that is left, or zero)",
)
