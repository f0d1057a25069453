"""What goes along with what a statement drops, or keeps the server from dropping it, by the facts.

Reads no SQL; follows dependencies as the server does, so that nothing goes which is not named.
https://www.postgresql.org/docs/current/catalog-pg-depend.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Dependent, Facts, Layout, label
from lockgate.planner.reading.impact import Taken
from lockgate.planner.reading.postgresql.weighing.relations import (
    below,
    key_of,
    layout_at,
    referring_to,
)
from lockgate.planner.reading.reading import Clause, Object, Reading
from lockgate.planner.value import frozen

RELATIONS = frozenset({"table", "view", "materialized view", "foreign table", "sequence"})
ROUTINES = frozenset({"function", "procedure", "routine", "aggregate"})
UNIQUE = frozenset({"primary", "unique"})
TABLES = frozenset({"table", "partitioned", "foreign table"})
# Of other kinds the server's words for what CREATE calls otherwise.
WORDS = {"statistic ext": "statistics", "fdw": "foreign-data wrapper", "foreign server": "server"}


@frozen
class Dropped:
    """An object. `key` is that of its relation or its type in the facts, `name` its own, where it
    has one beside that."""

    kind: str
    key: str = ""
    name: str = ""


Hanging = tuple[Dropped, bool]
"""What hangs on another, and whether it goes with it without CASCADE."""


@frozen
class Taking:
    """What a statement names, what goes with that, and what does not let it go."""

    named: tuple[Dropped, ...] = ()
    gone: tuple[Dropped, ...] = ()
    kept_by: tuple[Dropped, ...] = ()


def find_taking(reading: Reading, facts: Facts) -> Taking:
    """What goes with what a statement drops, and what it names itself."""
    named = [
        (node, "cascade" in clause.words)
        for clause in reading.clauses
        for node in _named(clause, facts)
    ]
    gone, rest = {node for node, _ in named}, [*named]
    taken, kept = list[Dropped](), dict[Dropped, None]()
    while rest:
        node, cascades = rest.pop(0)
        for one, is_part in _hanging(node, facts):
            if one in gone or Dropped("relation", one.key) in gone:
                continue
            if is_part or cascades:
                gone.add(one)
                taken.append(one)
                rest.append((one, cascades))
            else:
                kept[one] = None
    return Taking(
        tuple(node for node, _ in named),
        tuple(taken),
        tuple(one for one in kept if one not in gone),
    )


def find_types(named: Object, facts: Facts) -> Iterator[str]:
    """The key of a type, and of the domains that are made of it."""
    for key in (named.name, f"{named.schema}.{named.name}"):
        known = facts.types.get(key)
        if known and named.schema in ("", known.schema):
            yield from _made_of(key, facts)
            return


def spell_taken(nodes: Iterable[Dropped], facts: Facts) -> tuple[Taken, ...]:
    """The same for people."""
    return tuple(dict.fromkeys(_spell(one, facts) for one in nodes))


def lost_with(nodes: Iterable[Dropped], facts: Facts) -> Iterator[str]:
    """What of it holds rows or values, as nouns."""
    for one in nodes:
        if one.kind == "column" and one.key in facts.tables:
            yield f"the column {one.key}.{one.name}"
        elif one.kind == "relation" and layout_at(one.key, facts).kind in TABLES:
            yield f"the table {one.key}"


def _spell(one: Dropped, facts: Facts) -> Taken:
    if one.kind == "relation":
        kind = layout_at(one.key, facts).kind
        return Taken("table" if kind == "partitioned" else kind or "relation", one.key)
    if one.kind == "type":
        known = facts.types.get(one.key)
        return Taken("domain" if known and known.kind == "domain" else "type", one.key)
    return Taken(one.kind, one.name, one.key)


def _named(clause: Clause, facts: Facts) -> Iterator[Dropped]:
    """What a clause drops by name."""
    verb, _, kind = clause.action.partition(" ")
    if verb != "drop":
        return
    one = clause.table
    if kind in ("column", "constraint"):
        yield from (Dropped(kind, key, clause.name) for key in [key_of(one, facts)] if key)
    elif kind in RELATIONS:
        yield from (Dropped("relation", key) for key in [key_of(one, facts)] if key)
    elif kind in ("trigger", "policy", "rule"):
        yield Dropped(kind, key_of(one, facts), clause.name)
    elif kind == "index":
        key = key_of(one, facts)
        yield Dropped("index", layout_at(key, facts).owner, key)
    elif kind in ("type", "domain"):
        yield from (Dropped("type", key) for key in list(find_types(one, facts))[:1])
    else:
        yield Dropped("function" if kind in ROUTINES else WORDS.get(kind, kind), "", one.name)


def _owned_by(role: str, facts: Facts) -> Iterator[str]:
    for key, table in facts.tables.items():
        if table.layout and table.layout.role == role and _is_by_itself(table.layout):
            yield key


def _is_by_itself(layout: Layout) -> bool:
    return "index" not in layout.kind and not layout.owner


def _hanging(node: Dropped, facts: Facts) -> Iterator[Hanging]:
    if node.kind == "relation":
        yield from _on_relation(node.key, facts)
    elif node.kind == "column":
        for key in below(node.key, facts):
            yield from _on_column(key, node.name, facts)
    elif node.kind == "constraint":
        yield from _on_constraint(node.key, node.name, facts)
    elif node.kind == "index":
        yield from _on_index(node, facts)
    elif node.kind == "schema":
        yield from _in_schema(node.name, facts)
    elif node.kind == "owned":
        yield from ((Dropped("relation", key), True) for key in _owned_by(node.name, facts))
    if node.kind not in ("relation", "column"):
        yield from _told(label(node.kind, node.key, node.name), facts)


def _on_relation(key: str, facts: Facts) -> Iterator[Hanging]:
    layout = layout_at(key, facts)
    yield from _views(key, None, facts)
    for child in layout.children:
        is_part = layout.kind == "partitioned"
        # What is said of a table holds for its partitions.
        hanging = _on_relation(child, facts) if is_part else [(Dropped("relation", child), False)]
        yield from hanging
    for child, constraint in _references(key, None, facts):
        if child != key:
            yield Dropped("constraint", child, constraint), False
    yield from _told(label("relation", key), facts)
    of_columns = (label("column", key, name) for name in _columns(key, facts))
    of_constraints = (label("constraint", key, name) for name in layout.constraints)
    of_sequences = (label("relation", one) for one in layout.sequences if one in facts.tables)
    for name in (*of_columns, *of_constraints, *of_sequences):
        yield from ((one, is_part) for one, is_part in _told(name, facts) if one.key != key)


def _on_column(key: str, column: str, facts: Facts) -> Iterator[Hanging]:
    if key not in facts.tables:
        return
    layout = layout_at(key, facts)
    for name in layout.indexes:
        index = layout_at(name, facts)
        is_own = name.rpartition(".")[2] not in layout.constraints and not index.parents
        if is_own and column in (*index.keys, *index.computed):
            yield Dropped("index", key, name), True
    inherited = {name for each in layout.parents for name in layout_at(each, facts).constraints}
    for name, one in layout.constraints.items():
        if column in one.columns and one.kind != "not null" and name not in inherited:
            yield Dropped("constraint", key, name), True
    for child, constraint in _references(key, frozenset({column}), facts):
        yield Dropped("constraint", child, constraint), child == key
    yield from _views(key, frozenset({column}), facts)
    for name, other in facts.tables[key].columns.items():
        if column in other.made_from:
            yield Dropped("column", key, name), False
    yield from _told(label("column", key, column), facts)


def _on_constraint(key: str, name: str, facts: Facts) -> Iterator[Hanging]:
    known = layout_at(key, facts).constraints.get(name)
    if known and known.kind in UNIQUE:
        yield from _by_key(key, known.columns, facts)


def _on_index(node: Dropped, facts: Facts) -> Iterator[Hanging]:
    layout = layout_at(node.name, facts)
    known, wanted = layout_at(node.key, facts).constraints.values(), set(layout.keys)
    if not any(one.kind in UNIQUE and set(one.columns) == wanted for one in known):
        yield from _by_key(node.key, layout.keys, facts)


def _by_key(key: str, columns: tuple[str, ...], facts: Facts) -> Iterator[Hanging]:
    """The foreign keys that need these columns to be unique."""
    for child, constraint in referring_to(key, facts):
        if columns and set(constraint.parent_columns) == set(columns):
            found = layout_at(child, facts).constraints.items()
            yield from (
                (Dropped("constraint", child, name), False)
                for name, one in found
                if one == constraint
            )


def _references(
    key: str, columns: frozenset[str] | None, facts: Facts
) -> Iterator[tuple[str, str]]:
    """The table and the name of each foreign key to a table, or to columns of it."""
    for child in layout_at(key, facts).referrers:
        for name, one in layout_at(child, facts).constraints.items():
            is_over = columns is None or bool(columns & set(one.parent_columns))
            if one.kind == "foreign" and one.parent == key and is_over:
                yield child, name


def _views(key: str, columns: frozenset[str] | None, facts: Facts) -> Iterator[Hanging]:
    for view, read in layout_at(key, facts).views.items():
        if view in facts.tables and (columns is None or columns & set(read)):
            yield Dropped("relation", view), False


def _in_schema(name: str, facts: Facts) -> Iterator[Hanging]:
    for key, table in facts.tables.items():
        if table.schema == name and table.layout and _is_by_itself(table.layout):
            yield Dropped("relation", key), False
    for key, one in facts.types.items():
        if one.schema == name and not one.extension:
            yield Dropped("type", key), False
    for kind, schema, function in sorted(facts.names.found if facts.names else ()):
        if (kind, schema) == ("function", name):
            yield Dropped("function", "", function), False


def _told(name: str, facts: Facts) -> Iterator[Hanging]:
    for one in facts.dependents.get(name, ()):
        yield _node(one), one.is_part


def _node(one: Dependent) -> Dropped:
    if one.kind in ("relation", "type"):
        return Dropped(one.kind, one.table)
    return Dropped(one.kind, one.table, one.name)


def _columns(key: str, facts: Facts) -> Iterable[str]:
    return facts.tables[key].columns if key in facts.tables else ()


def _made_of(key: str, facts: Facts) -> Iterator[str]:
    yield key
    for other, one in facts.types.items():
        if one.made_of == key:
            yield from _made_of(other, facts)
