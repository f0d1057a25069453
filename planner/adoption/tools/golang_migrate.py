"""golang-migrate: a single row, the last version, which is `dirty` while and after it failed.

https://github.com/golang-migrate/migrate/blob/master/database/postgres/postgres.go
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.noting import Noting
from lockgate.planner.adoption.tool import MigrationTool, Testimony, is_true, text_of, words
from lockgate.planner.database.occupancy import TableRow


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: all up to the version of its row."""
    if not rows:
        return Testimony()
    version = text_of(rows[0]["version"])
    if not is_true(rows[0]["dirty"]):
        return Testimony(up_to=version)
    trouble = (
        f"golang-migrate stopped in version {version} (dirty): it is not known how much of it ran. "
        "See what it has left, finish or undo it by hand, then `migrate force` of golang-migrate "
        "with the version that the database is at."
    )
    return Testimony(up_to=version, troubles=(trouble,))


def _force(noting: Noting) -> Sequence[str]:
    version = int(noting.last.version) if noting.last else "-- -1"  # `-1` alone is a flag to it
    return (f"migrate -path DIR -database URL force {version}   (the program of golang-migrate)",)


TOOL = MigrationTool(
    name="golang-migrate",
    tables=words("schema_migrations"),
    columns=words("version dirty"),
    exact=True,
    single_row=True,
    read=_read,
    note=_force,
    forget=_force,
)
