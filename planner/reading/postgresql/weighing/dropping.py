"""Which other relations are locked for what is dropped, and for what goes with it, by the facts.

Reads no SQL. https://www.postgresql.org/docs/current/ddl-depend.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Facts, Layout, label
from lockgate.planner.reading.postgresql.locks import ACCESS_EXCLUSIVE, SHARE_UPDATE_EXCLUSIVE
from lockgate.planner.reading.postgresql.weighing.relations import (
    as_object,
    below,
    hold_all,
    key_of,
    layout_at,
)
from lockgate.planner.reading.postgresql.weighing.taking import Dropped
from lockgate.planner.reading.reading import Clause, Hold

# Something of a relation that goes while it is locked.
LOCKING = frozenset({"relation", "trigger", "policy", "rule", "default", "column", "constraint",
                     "index"})  # fmt: skip


def with_table(clause: Clause, facts: Facts) -> tuple[Hold, ...]:
    """DROP TABLE: the tables of its foreign keys are locked, to take their triggers away; of a
    partition the whole, whose default partition may take other rows then."""
    return _locked(_around(key_of(clause.table, facts), facts), facts)


def with_index(clause: Clause, facts: Facts) -> tuple[Hold, ...]:
    """DROP INDEX: its table is locked in the same way."""
    layout = layout_at(key_of(clause.table, facts), facts)
    is_concurrent = "concurrently" in clause.words
    lock = SHARE_UPDATE_EXCLUSIVE if is_concurrent else ACCESS_EXCLUSIVE
    return hold_all([layout.owner], lock, facts)


def with_schema(clause: Clause, facts: Facts) -> tuple[Hold, ...]:
    """DROP SCHEMA … CASCADE: every relation in it, also those that are parts of others."""
    inside = (key for key, one in facts.tables.items() if one.schema == clause.table.name)
    return _locked(inside if "cascade" in clause.words else (), facts)


def with_statistics(clause: Clause, facts: Facts) -> tuple[Hold, ...]:
    """DROP STATISTICS."""
    known = facts.dependents.get(label("statistics", "", clause.table.name), ())
    return hold_all((one.table for one in known), SHARE_UPDATE_EXCLUSIVE, facts)


def with_column(clause: Clause, facts: Facts) -> tuple[Hold, ...]:
    """DROP COLUMN: the tables of the foreign keys over it."""
    column = frozenset({clause.name})
    found = (one for each in below(key_of(clause.table, facts), facts)
             for one in _triggered(layout_at(each, facts), column))  # fmt: skip
    return _locked(found, facts)


def with_constraint(clause: Clause, facts: Facts) -> tuple[Hold, ...]:
    """DROP CONSTRAINT: of a foreign key the table that it refers to."""
    dropped = layout_at(key_of(clause.table, facts), facts).constraints.get(clause.name)
    return _locked([dropped.parent] if dropped else (), facts)


def with_taken(nodes: Iterable[Dropped], facts: Facts) -> tuple[Hold, ...]:
    """What goes with something else: it is locked itself, or what it is a part of, and others as
    when it is dropped by its name."""
    return tuple(hold for one in nodes for hold in _with_taken(one, facts))


def _with_taken(one: Dropped, facts: Facts) -> tuple[Hold, ...]:
    if one.kind not in LOCKING or one.key not in facts.tables:
        return ()
    dropped = Clause(f"drop {one.kind}", as_object(one.key, facts), one.name)
    others: tuple[Hold, ...] = ()
    if one.kind == "relation":
        others = with_table(dropped, facts)
    elif one.kind in ("column", "constraint"):
        others = (with_column if one.kind == "column" else with_constraint)(dropped, facts)
    return (*_locked([one.key], facts), *others)


def columns_of(types: Iterable[str], facts: Facts) -> Iterator[tuple[str, str]]:
    """The table and the name of each column of one of these types."""
    wanted = set(types)
    for key, table in facts.tables.items():
        for name, column in table.columns.items():
            if column.made_of in wanted:
                yield key, name


def _triggered(layout: Layout, columns: frozenset[str] | None = None) -> Iterator[str]:
    """What the foreign keys of a table, or over its columns, refer to and have triggers on, which
    are taken away with them; one that is not enforced has none."""
    for one in layout.constraints.values():
        is_over = columns is None or columns & set(one.columns)
        if one.kind == "foreign" and one.enforced and is_over:
            yield one.parent


def _around(key: str, facts: Facts) -> Iterator[str]:
    """What is locked with a table that is dropped, besides itself."""
    for each in below(key, facts):
        layout = layout_at(each, facts)
        yield from _triggered(layout)
        for parent in layout.parents if each == key else ():
            whole = layout_at(parent, facts)
            yield from (parent, whole.default) if whole.kind == "partitioned" else ()


def _locked(keys: Iterable[str], facts: Facts) -> tuple[Hold, ...]:
    return hold_all(keys, ACCESS_EXCLUSIVE, facts)
