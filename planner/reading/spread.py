"""Which tables a statement of MySQL and MariaDB changes rows of: what it writes itself, and where
foreign keys and triggers carry that.

Judges nothing, and reads no SQL; the tables are as the statements before it have left them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockgate.planner.reading.reading import Reading
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.database.mentioned import Mentions
    from lockgate.planner.reading.tables import Schema

# How rows of a child, or of a table that a trigger writes, may change.
ANY = frozenset({"insert", "update", "delete"})
CARRIED = frozenset({"update", "delete"})


@dataclass(slots=True)
class Spread:
    """The tables whose rows may change, as their names are in the schema, in the order in which
    they are reached; `unseen` is why there may be others, as a clause."""

    tables: list[str] = field(default_factory=list)
    unseen: str = ""
    watched: str = ""
    """The first table whose triggers run, which may also change the row that they are for."""
    sequences: frozenset[str] = frozenset()
    """Those that triggers move."""


@frozen
class _Change:
    """How rows of a table change; `columns` are those that an update sets, None: any."""

    table: str
    ways: frozenset[str]
    columns: frozenset[str] | None = None


def spread(effect: Reading, schema: Schema) -> Spread:
    """What a statement reaches that changes rows; of tables that are not known nothing more."""
    columns = effect.columns_written and frozenset(map(str.lower, effect.columns_written))
    ways = effect.row_changes or ANY
    named = [one for one in effect.tables_written if one.name not in schema.temporary]
    own = [name for one in named for name in schema.names_behind(one) or [one.name]]
    waiting = [_Change(name, ways, columns) for name in own]
    found, seen = Spread(), set[_Change]()
    while waiting:
        change = waiting.pop(0)
        if change in seen:
            continue
        seen.add(change)
        if change.table not in found.tables:
            found.tables.append(change.table)
        waiting += _carried(change, schema)
        waiting += _triggered(change, schema, found)
    return found


def _carried(change: _Change, schema: Schema) -> Iterator[_Change]:
    for key in schema.children(change.table):
        named = not key.columns or change.columns is None or change.columns & set(key.columns)
        updates = key.on_update and "update" in change.ways and named
        if updates or (key.on_delete and "delete" in change.ways):
            for child in schema.spelled(key.child) or [key.child]:
                yield _Change(child, CARRIED)


def _triggered(change: _Change, schema: Schema, found: Spread) -> Iterator[_Change]:
    table = schema.tables.get(change.table)
    if table is None or not table.triggers:
        return
    found.watched = found.watched or change.table
    if table.triggered is None:
        found.unseen = f"what the triggers of {change.table} do is not known"
        return
    code = schema.reach(table.triggered)
    found.sequences |= code.sequences
    unseen = schema.unseen(code.calls)
    if "call" in code.writes or unseen:
        called = min(unseen, default="a procedure")
        found.unseen = f"the triggers of {change.table} call {called}, which cannot be seen"
    if code.writes:
        yield from (_Change(name, ANY) for name in _mentioned(code, schema))


def _mentioned(code: Mentions, schema: Schema) -> Iterator[str]:
    for name in sorted(code.names):
        yield from schema.spelled(name)
