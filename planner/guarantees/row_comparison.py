"""Of which tables the rows are compared with those before, when a definition is undone.

Rows that are put back from a copy are held against that. Compares nothing itself.
"""

from __future__ import annotations

from lockgate.planner.quantities import format_size
from lockgate.planner.reading.mysql.impact import copies_rows, leaves_rows
from lockgate.planner.reading.reading import Reading
from lockgate.planner.reading.table import INNODB, Table
from lockgate.planner.reading.tables import Schema
from lockgate.planner.sql.dialect import Dialect

UNSEEN = Table(INNODB)
SMALL = 64 * 1024**2
"""Bytes of a table whose rows are compared, where no copies say how much may be read."""


def compared_table(
    effect: Reading, schema: Schema, dialect: Dialect, copy_limit: float | None
) -> str:
    """The table whose rows are to be compared; empty: none."""
    table = _rewritten(effect, schema, dialect)
    return effect.objects[0].name if table and excess(table, copy_limit) is None else ""


def not_compared(
    effect: Reading, schema: Schema, dialect: Dialect, copy_limit: float | None
) -> str:
    """The table whose rows would be compared if it were smaller, and why, as a sentence; empty:
    none."""
    table = _rewritten(effect, schema, dialect)
    if table is None or (limit := excess(table, copy_limit)) is None:
        return ""
    return (
        f"The rows of {effect.objects[0].name} are not compared after a rollback: they are about "
        f"{format_size(table.size or 0)}, and up to {format_size(limit)} are."
    )


def may_rewrite(effect: Reading, dialect: Dialect, table: Table = UNSEEN) -> bool:
    """Whether an ALTER TABLE, or its inverse, may write other values into the rows of a table.

    Where the definition alone changes, the old values stay, and fit when it is undone.
    """
    if effect.verb != "alter" or not effect.objects or effect.objects[0].kind != "table":
        return False
    if effect.columns_dropped or effect.converts_text:
        return True
    if effect.columns_redefined:
        return not leaves_rows(effect, table, dialect)
    return copies_rows(effect, table, dialect)


def _rewritten(effect: Reading, schema: Schema, dialect: Dialect) -> Table | None:
    """The old table of which an ALTER TABLE, or its inverse, may write the rows again."""
    table = schema.find(effect.objects[0]) if effect.verb == "alter" and effect.objects else None
    if table is None or table.is_new or table.engine != INNODB:
        return None
    return table if may_rewrite(effect, dialect, table) else None


def excess(table: Table, copy_limit: float | None) -> float | None:
    """The limit that a table is above for its rows to be looked at, in bytes; None: it is not."""
    limit = SMALL if copy_limit is None else copy_limit
    return limit if (table.size or 0) > limit else None
