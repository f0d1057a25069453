"""Which foreign keys hold no rows of others for a while: a statement drops them, or undoing it
writes rows without asking them.

Counts nothing itself: that the rows have their parents again is looked at when all is undone.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.guarantees.row_comparison import excess
from lockgate.planner.quantities import format_size
from lockgate.planner.reading.reading import Reading
from lockgate.planner.reading.spread import spread
from lockgate.planner.reading.table import Table
from lockgate.planner.reading.tables import Schema

ALL = ""
Key = tuple[str, str]
"""The table of a foreign key, and its name or ALL."""


def counted_keys(
    effect: Reading, schema: Schema, copy_limit: float | None, *, copied: bool
) -> tuple[Key, ...]:
    """The keys whose rows without a parent are counted before the statement and after all is
    undone; `copied` says that rows are put back from copies."""
    found = _loosened(effect, schema, copied=copied)
    return tuple(key for key, table in found if excess(table, copy_limit) is None)


def not_counted(effect: Reading, schema: Schema, copy_limit: float | None, *, copied: bool) -> str:
    """Of which tables it is not looked at whether all rows have their parents again, as a sentence;
    empty: none."""
    found = _loosened(effect, schema, copied=copied)
    names = sorted({key[0] for key, table in found if excess(table, copy_limit) is not None})
    if not names:
        return ""
    limit = next(filter(None, (excess(schema.tables[name], copy_limit) for name in names)))
    return (
        f"Whether all rows of {', '.join(names)} have their parents is not looked at after a "
        f"rollback, as it is for up to {format_size(limit)}: until then others can write rows "
        "that a foreign key would refuse."
    )


def may_loosen(effect: Reading) -> bool:
    """Whether a statement may drop a foreign key of a table that is there."""
    named = any(one.kind == "table" for one in effect.objects)
    return named and (effect.verb == "drop" or bool(effect.untied))


def _loosened(effect: Reading, schema: Schema, *, copied: bool) -> Iterator[tuple[Key, Table]]:
    for child, name in dict.fromkeys(_keys(effect, schema, copied=copied)):
        for spelled in schema.spelled(child):
            table = schema.tables[spelled]
            if not table.is_new:
                yield (spelled, name), table


def _keys(effect: Reading, schema: Schema, *, copied: bool) -> Iterator[Key]:
    tables = [one.name for one in effect.objects if one.kind == "table"]
    if effect.verb == "drop":
        yield from ((name, ALL) for name in tables)
    if effect.verb == "alter":
        yield from ((name, key) for name in tables for key in effect.untied)
    if copied:
        written = tables if effect.verb == "alter" else spread(effect, schema).tables
        for name in written:
            yield name, ALL
            yield from ((key.child, key.name) for key in schema.children(name))
