"""How large a table is, as far as it changes what a finding means.

Reads nothing: the facts are given, and a table that they lack is of unknown size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.effects import Object
from planner.facts import Facts, TableFacts
from planner.finding import Severity
from planner.quantities import format_size

Scale = Literal["small", "unknown", "large"]
SEVERITIES: dict[Scale, Severity] = {"small": "info", "unknown": "warning", "large": "danger"}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on a table is large: `rows`, or `size` in bytes with its indexes."""

    rows: int = 100_000
    size: int = 100 * 1024**2


def find_table(table: Object, facts: Facts) -> TableFacts | None:
    """What is known of a table, by its qualified name or by its own."""
    qualified = facts.tables.get(f"{table.schema}.{table.name}") if table.schema else None
    return qualified or facts.tables.get(table.name)


def measure(table: Object, facts: Facts, thresholds: Thresholds) -> Scale:
    """The scale of a table, by the server's estimates."""
    found = find_table(table, facts)
    if found is None:
        return "unknown"
    is_large = found.rows >= thresholds.rows or found.size >= thresholds.size
    return "large" if is_large else "small"


def describe_table(table: Object, facts: Facts) -> str:
    """A table's name and, where it is known, its size, for people.

    >>> describe_table(Object("table", "t"), Facts({"t": TableFacts("", 80_000_000, 41 << 30, {})}))
    't (about 80,000,000 rows, 41GB)'
    """
    name = f"{table.schema}.{table.name}" if table.schema else table.name
    found = find_table(table, facts)
    return f"{name} (about {found.rows:,} rows, {format_size(found.size)})" if found else name
