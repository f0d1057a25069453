"""How large a table is, as far as it changes what a finding means.

Reads nothing: the facts are given, and a table that they lack is of unknown size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lockgate.planner.quantities import Size, format_size
from lockgate.planner.settings import Settings

if TYPE_CHECKING:
    from lockgate.planner.database.facts import Facts, TableFacts
    from lockgate.planner.finding import Severity
    from lockgate.planner.reading.reading import Object

Scale = Literal["small", "unknown", "large"]
SIZELESS = frozenset({"view", "sequence"})
SEVERITY_OF: dict[Scale, Severity] = {"small": "info", "unknown": "warning", "large": "danger"}


class Thresholds(Settings):
    """From when on a table is large: by either of the two."""

    rows: int = Field(100_000, ge=1, description="So many rows make a table large.")
    size: Size = Field(100.0 * 1024**2, description="This size, with indexes, makes it large.")


def find_table(table: Object, facts: Facts) -> TableFacts | None:
    """What is known of a table, by its qualified name or by its own.

    A name that was looked for by another search_path than the facts' own is found by that alone.
    """
    key = find_key(table, facts)
    return None if key is None else facts.tables[key]


def find_sized(table: Object, facts: Facts) -> TableFacts | None:
    """What is known of what holds rows: a view and a sequence have no size that matters."""
    found = find_table(table, facts)
    is_sized = found is None or found.layout is None or found.layout.kind not in SIZELESS
    return found if is_sized else None


def find_key(table: Object, facts: Facts) -> str | None:
    """The name by which the facts know a table."""
    for schema in table.path:
        if key := _find_in(schema, table.name, facts):
            return key
    if table.path:
        return None
    if table.schema:
        return _find_in(table.schema, table.name, facts)
    return table.name if table.name in facts.tables else None


def _find_in(schema: str, name: str, facts: Facts) -> str | None:
    """A table of this schema; where the facts do not say whose it is, that is not held against
    it."""
    found = (key for key in (f"{schema}.{name}", name) if key in facts.tables)
    key = next(found, None)
    return key if key and facts.tables[key].schema in ("", schema) else None


def measure(table: Object, facts: Facts, thresholds: Thresholds) -> Scale:
    """The scale of a table, by the server's estimates."""
    found = find_sized(table, facts)
    if found is None:
        return "unknown"
    is_large = found.rows >= thresholds.rows or found.size >= thresholds.size
    return "large" if is_large else "small"


def describe_table(table: Object, facts: Facts) -> str:
    """A table's name and, where it is known, its size, for people.

    >>> from lockgate.planner.database.facts import Facts, TableFacts
    >>> from lockgate.planner.reading.reading import Object
    >>> describe_table(Object("table", "t"), Facts({"t": TableFacts("", 80_000_000, 41 << 30, {})}))
    't (about 80,000,000 rows, 41GB)'
    """
    name = f"{table.schema}.{table.name}" if table.schema else table.name
    found = find_sized(table, facts)
    return f"{name} (about {found.rows:,} rows, {format_size(found.size)})" if found else name
