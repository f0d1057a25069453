"""Which values of a table's columns an ALTER TABLE loses on MySQL and MariaDB.

Does not say what brings them back: `statement_guarantees` does.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.reading.mysql.clauses import CONVERT
from lockgate.planner.reading.mysql.impact import copies_rows, filled_columns
from lockgate.planner.reading.mysql.redefinition import UNKNOWN
from lockgate.planner.reading.mysql.types import loses, read_type
from lockgate.planner.reading.reading import Definition, Reading
from lockgate.planner.reading.table import Table
from lockgate.planner.reading.tables import Schema
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import replace


def lost_values(
    effect: Reading, table: Table | None, schema: Schema, dialect: Dialect
) -> Iterator[tuple[str, str]]:
    """What values an ALTER TABLE loses: the column in lower case, and a predicate."""
    columns = table.columns if table else {}
    old = [name for name in effect.columns_dropped if not table or name.lower() not in
           table.new_columns]  # fmt: skip
    for name in old:
        known = columns.get(name.lower())
        if not (known and known.generated):
            yield name.lower(), f"drops the column {name}"
    for name, new in effect.columns_redefined.items():
        if loss := _loss(name.lower(), new, table, schema, dialect):
            yield name.lower(), f"redefines {name} ({loss})"
    mode = "" if schema.strict else "without strict mode "
    for name in filled_columns(effect, columns, schema.strict, dialect):
        yield name, f"makes {name} a key ({mode}NULL becomes another value)"
    if effect.converts_text:
        yield from _converted(effect, table, schema, dialect)
    if table and not schema.strict and copies_rows(effect, table, dialect):
        yield from ((name, f"may change invalid dates of {name}") for name in table.dates)


def _converted(
    effect: Reading, table: Table | None, schema: Schema, dialect: Dialect
) -> Iterator[tuple[str, str]]:
    """What CONVERT TO CHARACTER SET loses."""
    if table is None:
        yield "every text column", "converts every text column"
        return
    charset = next((one.name for one in effect.clauses if one.action == CONVERT), "")
    for name, column in table.columns.items():
        if column == UNKNOWN or (column.charset and charset in ("", "default")):
            yield name, f"converts {name}"
        elif column.charset:
            new = replace(read_type(column.type), charset=charset, nullable=column.nullable)
            if loses(column, new, "", schema.strict, dialect):
                yield name, f"converts {name}"


def _loss(
    column: str, new: Definition, table: Table | None, schema: Schema, dialect: Dialect
) -> str:
    """Why a column's new definition may not hold the old values; empty: it does."""
    if table and column in table.new_columns:
        return ""
    known = table.columns.get(column) if table else None
    if table is None or known is None or known == UNKNOWN:
        return "its type is not known"
    return loses(known, new, table.collation, schema.strict, dialect)
