"""The relations of a live database, and which hang together: what is locked or lost with another.

Reads no SQL; where nothing is known of a relation, nothing hangs together with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import ConstraintFacts, Facts, Layout
from lockgate.planner.reading.postgresql.locks import hold
from lockgate.planner.reading.reading import Hold, Object, Work
from lockgate.planner.reading.sizes import find_key, find_table

NOTHING = Layout("")
KINDS = {"index": "index", "partitioned index": "index", "view": "view", "sequence": "sequence",
         "materialized view": "materialized view"}  # fmt: skip
WRITABLE = frozenset({"table", "partitioned", "foreign table", "view"})


def layout_of(one: Object, facts: Facts) -> Layout:
    """How a relation is made and what it hangs together with; empty where it is not known."""
    known = find_table(one, facts)
    return (known and known.layout) or NOTHING


def layout_at(key: str, facts: Facts) -> Layout:
    """The same by its key in the facts."""
    known = facts.tables.get(key)
    return (known and known.layout) or NOTHING


def as_object(key: str, facts: Facts) -> Object:
    """The relation of a key, with its schema where its name alone does not lead to it."""
    kind = KINDS.get(layout_at(key, facts).kind, "table")
    schema = facts.tables[key].schema if key in facts.tables else ""
    if schema and key.startswith(f"{schema}."):
        return Object(kind, key.removeprefix(f"{schema}."), schema)
    return Object(kind, key)


def hold_all(keys: Iterable[str], lock: str, facts: Facts, work: Work = "none") -> tuple[Hold, ...]:
    """The same lock on each of these."""
    known = (key for key in dict.fromkeys(keys) if key in facts.tables)
    return tuple(hold(as_object(key, facts), lock, work) for key in known)


def parents_of(layout: Layout) -> Iterator[str]:
    """What the foreign keys of a table refer to."""
    return (one.parent for one in layout.constraints.values() if one.kind == "foreign")


def referring_to(
    key: str, facts: Facts, columns: frozenset[str] | None = None
) -> Iterator[tuple[str, ConstraintFacts]]:
    """The foreign keys to a table or a part of it, each with its own table; with `columns` only
    those to one of these."""
    for each in below(key, facts):
        for one in layout_at(each, facts).referrers:
            for constraint in layout_at(one, facts).constraints.values():
                is_over = columns is None or bool(columns & set(constraint.parent_columns))
                if constraint.parent == each and is_over:
                    yield one, constraint


def views_of(
    key: str,
    facts: Facts,
    columns: frozenset[str] | None = None,
    seen: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """The views that read a relation, by themselves or through others; with `columns` those that
    read one of these of it."""
    for view, read in layout_at(key, facts).views.items():
        if view not in seen and (columns is None or columns & set(read)):
            yield view
            yield from views_of(view, facts, None, seen | {view})


def relations_under(view: str, facts: Facts) -> Iterator[str]:
    """What a view reads, by itself and through others."""
    for key, table in facts.tables.items():
        if table.layout and view in table.layout.views:
            yield key
            yield from relations_under(key, facts)


def written_under(view: str, facts: Facts) -> Iterator[str]:
    """The tables whose rows may be written through a view, and the views on the way to them; none
    of what is no view."""
    for key, table in facts.tables.items() if layout_at(view, facts).kind == "view" else ():
        if table.layout and view in table.layout.views and table.layout.kind in WRITABLE:
            yield key
            yield from written_under(key, facts)


def below(key: str, facts: Facts) -> Iterator[str]:
    """A relation and all that inherits from it or is a part of it."""
    yield key
    for child in layout_at(key, facts).children:
        yield from below(child, facts)


def inheriting(key: str, facts: Facts) -> Iterator[str]:
    """What inherits from a table, and has rows of its own: no partitions."""
    if layout_at(key, facts).kind in ("table", "foreign table"):
        yield from dict.fromkeys(one for one in below(key, facts) if one != key)


def key_of(one: Object, facts: Facts) -> str:
    """The key of a relation; empty where the facts do not know it."""
    return find_key(one, facts) or ""


def spelled(one: Object) -> str:
    """A relation as a statement names it, with its schema where it names one."""
    return f"{one.schema}.{one.name}"
