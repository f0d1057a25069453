"""What a statement of MySQL and MariaDB does to others: locks, work, and what is lost.

Builds on `mysql_effects`, and weighs nothing. Each DDL statement also waits for a short moment
alone on its table, whatever its LOCK says:
https://dev.mysql.com/doc/refman/en/metadata-locking.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.mysql.algorithms import (
    ALGORITHMS,
    COPY,
    LOCKS,
    REBUILD,
    UNKNOWN,
    WAYS,
    Way,
    combine,
)
from lockgate.planner.reading.mysql.clauses import (
    INDEXES,
    AlteredTable,
    read_explicit,
    read_operations,
)
from lockgate.planner.reading.mysql.effects import read_effect
from lockgate.planner.reading.reading import Hold, Object, Reading
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.sql.cursor import Cursor, read_tokens
from lockgate.planner.sql.dialect import Dialect

# DO is none of them: here it only evaluates expressions, as SELECT does.
RUNNERS = ("call", "execute")
LIMITS = ("where", "limit")
INDEX_WORDS = frozenset({"unique", "fulltext", "spatial", "vector", "index"})


def read_impact(sql: str, dialect: Dialect, facts: Facts) -> Impact:
    """What one statement does to others; never raises on what `planner.sql.statements` has cut.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> (hold,) = read_impact("alter table t drop primary key", MYSQL, Facts()).holds
    >>> hold.algorithm, hold.lock
    ('copy', 'SHARED')
    """
    effect = read_effect(sql, dialect)
    cursor = read_tokens(sql, dialect)
    every_row = effect.verb == "write" and _is_unbounded(read_tokens(sql, dialect))
    explicit = read_explicit(cursor) if effect.verb == "alter" else {}
    kind = _kind(read_tokens(sql, dialect), effect)
    commits = not (effect.is_rows_only or effect.is_neutral) or "autocommit" in effect.settings
    reading = replace(
        effect,
        kind=kind,
        every_row=every_row,
        opaque=kind in RUNNERS,
        commits="itself" if commits else "never",
        explicit=bool(explicit),
    )
    holds = tuple(_holds(cursor, effect, dialect, facts, explicit))
    return Impact(reading, holds, tuple(_lost(effect, read_tokens(sql, dialect), every_row)))


def _kind(cursor: Cursor, effect: Reading) -> str:
    first = cursor.take().word
    if effect.objects and first in ("alter", "create", "drop", "rename"):
        is_index = effect.verb == "alter" and first != "alter"
        return f"{first} {'index' if is_index else effect.objects[0].kind}"
    return first


def _holds(
    cursor: Cursor, effect: Reading, dialect: Dialect, facts: Facts, explicit: dict[str, str]
) -> Iterator[Hold]:
    if effect.verb == "alter" and effect.objects[0].kind == "table":
        table = effect.objects[0]
        way = _alter_way(cursor, AlteredTable(dialect, find_table(table, facts)))
        yield _hold(table, _no_better(way, explicit))
    elif effect.verb in ("drop", "rename"):
        for one in effect.objects:
            if one.kind == "table":
                yield Hold(one, "EXCLUSIVE", "reads")
    elif effect.verb == "truncate":
        for table in effect.tables_written:
            yield Hold(table, "EXCLUSIVE", "reads")
    elif effect.verb == "maintain" and cursor.peek().word == "optimize":
        for table in _listed(cursor):
            yield _hold(table, REBUILD)


def _hold(table: Object, way: Way) -> Hold:
    return Hold(table, way.lock, LOCKS[way.lock], way.work, way.algorithm, way.certain)


def _alter_way(cursor: Cursor, target: AlteredTable) -> Way:
    ways = WAYS[target.dialect.name]
    operations = _operations(cursor, target)
    return combine(ways[each] if each else UNKNOWN for each in operations)


def _operations(cursor: Cursor, target: AlteredTable) -> tuple[str | None, ...]:
    if not cursor.accept("alter"):
        return (_index_operation(cursor),)
    while not cursor.at_end and not cursor.accept("table"):
        cursor.take()
    cursor.accept("if", "exists")
    cursor.qualified_name()
    if cursor.accept("wait"):
        cursor.take()
    cursor.accept("nowait")
    return read_operations(cursor, target)


def _index_operation(cursor: Cursor) -> str | None:
    """CREATE INDEX and DROP INDEX, which are ALTER TABLE by another name."""
    drops = cursor.take().word == "drop"
    if drops:
        names = [token.name.lower() for token in cursor.rest()]
        return "drop primary key" if "primary" in names[:2] else "drop index"
    while cursor.peek().word not in INDEX_WORDS and not cursor.at_end:
        cursor.take()
    return INDEXES.get(cursor.peek().word)


def _no_better(way: Way, explicit: dict[str, str]) -> Way:
    """The way that is asked for, where it is worse than the one that would do."""
    asked = explicit.get("algorithm", "")
    lock = explicit.get("lock", "").upper()
    if asked == "copy":
        way = COPY
    elif asked in ALGORITHMS and not way.certain:
        # The server refuses it if it cannot do as well.
        way = Way(asked, "NONE", "none" if asked == "instant" else "rewrite")
    stronger = lock in LOCKS and list(LOCKS).index(lock) > list(LOCKS).index(way.lock)
    return Way(way.algorithm, lock, way.work, certain=way.certain) if stronger else way


def _listed(cursor: Cursor) -> Iterator[Object]:
    cursor.take()
    cursor.skip_words("local", "no_write_to_binlog", "table", "tables")
    while not cursor.at_end:
        schema, name = cursor.clause().qualified_name()
        yield Object("table", name, schema)


def _is_unbounded(cursor: Cursor) -> bool:
    words = []
    while not cursor.at_end:
        words.append(cursor.peek().word)
        cursor.pass_one()
    return bool({"update", "delete"} & set(words[:1])) and not set(LIMITS) & set(words)


def _lost(effect: Reading, cursor: Cursor, every_row: bool) -> Iterator[str]:
    first = cursor.peek().word
    if effect.verb == "drop" and not effect.temporary:
        yield from (f"the table {_shown(one)}" for one in effect.objects if one.kind == "table")
    if effect.verb == "create" and effect.replaces and not effect.temporary:
        made = (one for one in effect.objects if one.kind == "table")
        yield from (f"the table {_shown(one)}, if it was there" for one in made)
    if effect.verb == "other" and cursor.accept("drop") and cursor.accept_any("database", "schema"):
        cursor.accept("if", "exists")
        yield f"the database {cursor.name()}"
    if effect.verb == "alter" and effect.columns_dropped:
        yield from (f"the column {effect.objects[0].name}.{one}" for one in effect.columns_dropped)
    if effect.verb == "alter" and effect.obstacle:
        yield from _lost_partitions(effect, cursor)
    if effect.verb == "truncate" or (every_row and first == "delete"):
        yield from (f"every row of {_shown(one)}" for one in effect.tables_written)


def _lost_partitions(effect: Reading, cursor: Cursor) -> Iterator[str]:
    words = [token.word for token in cursor.rest()]
    for word in ("drop", "truncate"):
        if f"{word} partition" in " ".join(words):
            yield f"the rows of partitions of {_shown(effect.objects[0])}"


def _shown(one: Object) -> str:
    return f"{one.schema}.{one.name}" if one.schema else one.name
