"""What goes with what is dropped, and which other relations are locked for it, by the facts.

Reads no SQL. https://www.postgresql.org/docs/current/ddl-depend.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Dependent, Facts, Layout
from lockgate.planner.reading.postgresql.locks import ACCESS_EXCLUSIVE, SHARE_UPDATE_EXCLUSIVE
from lockgate.planner.reading.postgresql.weighing.relations import (
    as_object,
    below,
    hold_all,
    key_of,
    layout_at,
    referring_to,
    views_of,
)
from lockgate.planner.reading.reading import Clause, Hold, Object

Lost = tuple[tuple[Hold, ...], tuple[str, ...]]
"""The locks on others, and what is gone with its data besides what the statement names."""


def with_table(clause: Clause, facts: Facts) -> Lost:
    """DROP TABLE: the tables of its foreign keys are locked, to take their triggers away; of a
    partition the whole, whose default partition may take other rows then."""
    key = key_of(clause.table, facts)
    return _locked(_around(key, facts, cascades="cascade" in clause.words), facts), ()


def with_view(clause: Clause, facts: Facts) -> Lost:
    """DROP VIEW and DROP MATERIALIZED VIEW."""
    key = key_of(clause.table, facts)
    return _locked(views_of(key, facts) if "cascade" in clause.words else (), facts), ()


def with_index(clause: Clause, facts: Facts) -> Lost:
    """DROP INDEX: its table is locked in the same way."""
    layout = layout_at(key_of(clause.table, facts), facts)
    is_concurrent = "concurrently" in clause.words
    lock = SHARE_UPDATE_EXCLUSIVE if is_concurrent else ACCESS_EXCLUSIVE
    keys = frozenset(layout.keys)
    others = [
        table
        for table, one in referring_to(layout.owner, facts, keys)
        if "cascade" in clause.words and set(one.parent_columns) == keys
    ]
    return hold_all((layout.owner, *others), lock, facts), ()


def with_schema(clause: Clause, facts: Facts) -> Lost:
    """DROP SCHEMA … CASCADE: every relation in it."""
    if "cascade" not in clause.words:
        return (), ()
    inside = [key for key, one in facts.tables.items() if one.schema == clause.table.name]
    around = (one for key in inside for one in _around(key, facts, cascades=True))
    types = [key for key, one in facts.types.items() if one.schema == clause.table.name]
    of_types, lost = _with_types(types, facts)
    return (*_locked((*inside, *around), facts), *of_types), lost


def with_type(clause: Clause, facts: Facts) -> Lost:
    """DROP TYPE and DROP DOMAIN … CASCADE: the columns of that type."""
    if "cascade" not in clause.words:
        return (), ()
    return _with_types(list(find_types(clause.table, facts)), facts)


def with_function(clause: Clause, facts: Facts) -> Lost:
    """DROP FUNCTION and DROP SEQUENCE … CASCADE: the triggers, defaults, checks, indexes and
    generated columns that are made with it."""
    if "cascade" not in clause.words:
        return (), ()
    return _with_dependents(facts.dependents.get(_label(clause), ()), facts)


def with_statistics(clause: Clause, facts: Facts) -> Lost:
    """DROP STATISTICS."""
    tables = (one.table for one in facts.dependents.get(_label(clause), ()))
    return hold_all(tables, SHARE_UPDATE_EXCLUSIVE, facts), ()


def with_extension(clause: Clause, facts: Facts) -> Lost:
    """DROP EXTENSION … CASCADE: the columns of its types, and what is made with its functions."""
    if "cascade" not in clause.words:
        return (), ()
    name = clause.table.name
    types = [key for key, one in facts.types.items() if one.extension == name]
    holds, lost = _with_dependents(facts.dependents.get(_label(clause), ()), facts)
    of_types, of_columns = _with_types(types, facts)
    return (*holds, *of_types), (*lost, *of_columns)


def with_column(clause: Clause, facts: Facts) -> Lost:
    """DROP COLUMN: the tables of the foreign keys over it, and with CASCADE those whose foreign
    keys refer to it, and the views that read it."""
    key = key_of(clause.table, facts)
    computed = _computed_from(key, clause.name, facts) if "cascade" in clause.words else ()
    column = frozenset({clause.name, *computed})
    found = [one for each in below(key, facts)
             for one in _triggered(layout_at(each, facts), column)]  # fmt: skip
    if "cascade" in clause.words:
        found += (table for table, _ in referring_to(key, facts, column))
        found += views_of(key, facts, column)
    lost = tuple(f"the column {clause.table.name}.{one}" for one in computed)
    return _locked(found, facts), lost


def _computed_from(key: str, column: str, facts: Facts) -> tuple[str, ...]:
    """The generated columns that are computed from one."""
    columns = facts.tables[key].columns if key in facts.tables else {}
    return tuple(name for name, one in columns.items() if column in one.made_from)


def with_constraint(clause: Clause, facts: Facts) -> Lost:
    """DROP CONSTRAINT: of a foreign key the table that it refers to, and of a key with CASCADE
    those that refer to it."""
    key = key_of(clause.table, facts)
    dropped = layout_at(key, facts).constraints.get(clause.name)
    if dropped is None:
        return (), ()
    found = [dropped.parent]
    if dropped.kind in ("primary", "unique") and "cascade" in clause.words:
        columns = frozenset(dropped.columns)
        found += (table for table, _ in referring_to(key, facts, columns))
    return _locked(found, facts), ()


def find_types(named: Object, facts: Facts) -> Iterator[str]:
    """The key of a type, and of the domains that are made of it."""
    for key in (named.name, f"{named.schema}.{named.name}"):
        known = facts.types.get(key)
        if known and named.schema in ("", known.schema):
            yield from _made_of(key, facts)
            return


def columns_of(types: Iterable[str], facts: Facts) -> Iterator[tuple[str, str]]:
    """The table and the name of each column of one of these types."""
    wanted = set(types)
    for key, table in facts.tables.items():
        for name, column in table.columns.items():
            if column.made_of in wanted:
                yield key, name


def _made_of(key: str, facts: Facts) -> Iterator[str]:
    yield key
    for other, one in facts.types.items():
        if one.made_of == key:
            yield from _made_of(other, facts)


def _triggered(layout: Layout, columns: frozenset[str] | None = None) -> Iterator[str]:
    """What the foreign keys of a table, or over its columns, refer to and have triggers on, which
    are taken away with them; one that is not enforced has none."""
    for one in layout.constraints.values():
        is_over = columns is None or columns & set(one.columns)
        if one.kind == "foreign" and one.enforced and is_over:
            yield one.parent


def _around(key: str, facts: Facts, *, cascades: bool) -> Iterator[str]:
    """What is locked with a table that is dropped, besides itself."""
    for each in below(key, facts):
        layout = layout_at(each, facts)
        yield from _triggered(layout)
        for parent in layout.parents if each == key else ():
            whole = layout_at(parent, facts)
            yield from (parent, whole.default) if whole.kind == "partitioned" else ()
        if cascades:
            yield from layout.referrers
            yield from views_of(each, facts)
            yield each


def _with_types(types: list[str], facts: Facts) -> Lost:
    dependents = tuple(Dependent(*found) for found in columns_of(types, facts))
    return _with_dependents(dependents, facts)


def _with_dependents(dependents: Iterable[Dependent], facts: Facts) -> Lost:
    found: list[str | Object] = []
    lost: list[str] = []
    for one in dependents:
        found.append(one.table)
        if one.column:
            table = as_object(one.table, facts)
            lost.append(f"the column {table.name}.{one.column}")
            dropped = Clause("drop column", table, one.column, words=frozenset({"cascade"}))
            holds, columns = with_column(dropped, facts)
            found += [each.on for each in holds]
            lost += columns
    keys = (one if isinstance(one, str) else key_of(one, facts) for one in found)
    return _locked(keys, facts), tuple(lost)


def _label(clause: Clause) -> str:
    kind = "function" if clause.table.kind in ("procedure", "routine", "aggregate") else ""
    return f"{kind or clause.table.kind} {clause.table.name}"


def _locked(keys: Iterable[str], facts: Facts) -> tuple[Hold, ...]:
    return hold_all(keys, ACCESS_EXCLUSIVE, facts)
