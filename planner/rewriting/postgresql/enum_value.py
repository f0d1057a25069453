"""ALTER TYPE … ADD VALUE: in a unit of its own, where the same section uses the value.

https://www.postgresql.org/docs/current/sql-altertype.html
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.enums import NewValues
from lockgate.planner.rewriting.piece import Original, Pieces, SafePart

KINDS = ("AlterEnumStmt",)


def rewrite(original: Original) -> Pieces | None:
    """The same statement, committed before the value is used."""
    values = NewValues()
    values.follow(original.sql, original.reading.kind)
    if not any(values.used_by(sql) is not None for sql in original.later):
        return None
    return (SafePart(original.sql, "value", True),)
