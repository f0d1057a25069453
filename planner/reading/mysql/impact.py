"""What a statement of MySQL and MariaDB does to others, by the tables that are there.

Reads no SQL. Each DDL statement also waits for a short moment alone on its table, whatever its
LOCK says: https://dev.mysql.com/doc/refman/en/metadata-locking.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockgate.planner.database.facts import ColumnFacts, Facts, ForeignKey, TableFacts
from lockgate.planner.reading.calls import are_servers_own
from lockgate.planner.reading.impact import Impact, Through, lost_through
from lockgate.planner.reading.mysql.algorithms import (
    ALGORITHMS,
    CHANGE_VIRTUAL,
    COPIES_ONLINE_SINCE,
    COPY,
    FULLTEXT,
    LOCKS,
    ONLINE_COPY,
    Furnishing,
    Way,
    hold,
    way_of,
)
from lockgate.planner.reading.mysql.clauses import (
    ASKED,
    BY_EXPRESSION,
    CHANGE_ENGINE,
    CONVERT,
    REDEFINE,
)
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.mysql.redefinition import redefinition
from lockgate.planner.reading.mysql.types import (
    cuts,
    fills_null,
    find_column,
    keeps_text,
    loses,
    read_type,
)
from lockgate.planner.reading.reading import Clause, Definition, Object, Reading
from lockgate.planner.reading.sizes import find_key, find_table
from lockgate.planner.reading.table import INNODB, Table, indexes_after
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import replace

DROP_COLUMN = "drop column"
FILLED_ALIKE = ("add column", BY_EXPRESSION)
TEXT_NUMBER = "fts_doc_id"
ONE_FOR_BOTH = {"drop primary key", "add primary key"}
FILLS = {"add primary key", "change primary key", "change nullability",
         "change nullability beside stored columns"}  # fmt: skip
"""What a server does by a copy where a NULL has to become another value, whatever it says else.
https://dev.mysql.com/doc/refman/9.7/en/innodb-online-ddl-operations.html
"""


def read_impact(sql: str, dialect: Dialect, facts: Facts) -> Impact:
    """What one statement does to others; never raises on what `planner.sql.statements` has cut.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> (hold,) = read_impact("alter table t drop primary key", MYSQL, Facts()).holds
    >>> hold.algorithm, hold.lock
    ('copy', 'SHARED')
    """
    return weigh(read(sql, dialect), dialect, facts)


def weigh(reading: Reading, dialect: Dialect, facts: Facts) -> Impact:
    """What a statement that was read does to the tables that are there."""
    if reading.verb != "alter" or reading.objects[0].kind != "table":
        through = tuple(_through(reading, facts))
        loses = (*reading.loses, *_deleted(reading, facts, through))
        fires = tuple(_fired(reading, dialect, facts))
        return Impact(reading, reading.holds, loses, fires=fires, through=through)
    table = reading.objects[0]
    known = find_table(table, facts)
    way = alter_way(reading, dialect, known)
    if way == COPY and known and _copies_online(reading, dialect, facts):
        way = ONLINE_COPY
    way = _no_better(way, _asked(reading))
    exchanged = (other for clause in reading.clauses for other in clause.others)
    holds = tuple(hold(one, way) for one in (table, *exchanged))
    cut = () if known is None else tuple(_cut(reading, known, facts.strict, dialect))
    return Impact(reading, holds, (*reading.loses, *cut))


def _fired(reading: Reading, dialect: Dialect, facts: Facts) -> Iterator[str]:
    """The triggers that run, but those that only change the row that is written. What foreign keys
    do to rows sets off none: https://dev.mysql.com/doc/refman/9.7/en/triggers.html"""
    for name in _written(reading, facts):
        for trigger, one in facts.tables[name].fires.items():
            is_plain = one.calls is not None and are_servers_own(one.calls, dialect.name)
            if not is_plain and reading.row_changes & {*one.events}:
                yield f"the trigger {trigger} of {name}"


def _written(reading: Reading, facts: Facts) -> Iterator[str]:
    """The tables whose rows a statement writes itself, through views too."""
    yield from (key for one in reading.tables_written if (key := find_key(one, facts)))
    yield from (table.name for _, table in _through(reading, facts))


def _through(reading: Reading, facts: Facts) -> Iterator[tuple[Object, Object]]:
    """The views that it writes, each with the tables whose rows these may be."""
    for one in reading.tables_written:
        if find_key(one, facts) is None and one.name.lower() in facts.mentions:
            yield from ((one, Object("table", key)) for key in _behind(one.name.lower(), facts))


def _behind(view: str, facts: Facts) -> Iterator[str]:
    seen, waiting = {view}, [view]
    while waiting:
        for name in facts.mentions[waiting.pop()].names & facts.mentions.keys() - seen:
            seen.add(name)
            waiting.append(name)
    names = frozenset[str]().union(*(facts.mentions[one].names for one in seen))
    yield from (table for table in facts.tables if table.lower() in names)


def _deleted(reading: Reading, facts: Facts, through: Through) -> Iterator[str]:
    """The rows that a condition finds, and what goes with rows by foreign keys; REPLACE has another
    row in the place of each. The loss of every row is read as such."""
    if "delete" not in reading.row_changes:
        return
    names = [table.name for table in reading.tables_written]
    if "insert" not in reading.row_changes and not reading.every_row:
        yield from (f"rows of {name}" for name in names)
    if "insert" not in reading.row_changes:
        yield from lost_through(through)
    rest, seen = [*names, *(table.name for _, table in through)], set[ForeignKey]()
    while rest:
        parent = rest.pop().lower()
        for key in facts.foreign_keys:
            if key.on_delete and key.parent.lower() == parent and key not in seen:
                seen.add(key)
                rest.append(key.child)
                yield f"rows of {key.child}, or their references (ON DELETE of {key.name})"


def _copies_online(reading: Reading, dialect: Dialect, facts: Facts) -> bool:
    """Whether the server copies the table while others write to it, if it copies: not where
    foreign keys change its rows, nor where a column begins to count."""
    since = COPIES_ONLINE_SINCE.get(dialect.name)
    name = reading.objects[0].name.lower()
    cascades = any(
        (key.on_update or key.on_delete) and key.child.lower() == name for key in facts.foreign_keys
    )
    counts = any(one.counts for one in reading.columns_redefined.values())
    return since is not None and dialect.version >= since and not cascades and not counts


def filled_columns(
    reading: Reading, columns: Mapping[str, ColumnFacts], strict: bool, dialect: Dialect
) -> Iterator[str]:
    """The columns, in lower case, whose NULL becomes another value when an ALTER TABLE makes them
    its primary key."""
    redefined = {name.lower(): new for name, new in reading.columns_redefined.items()}
    added = [clause.columns for clause in reading.clauses if clause.action == "add primary key"]
    keys = [name.lower() for names in added for name in names]
    keys += [name for name, new in redefined.items() if "primary" in new.keys]
    for name in keys:
        known, new = find_column(columns, name), redefined.get(name)
        kind = new.type if new else read_type(known.type).type if known else ""
        if (known is None or known.nullable) and fills_null(kind, strict, dialect):
            yield name


def _cut(reading: Reading, known: TableFacts, strict: bool, dialect: Dialect) -> Iterator[str]:
    """What the server changes in the rows, and warns at most: without strict mode nothing that does
    not fit is refused, and in strict mode not what can be rounded."""
    name = reading.objects[0].name
    for column in filled_columns(reading, known.columns, strict, dialect):
        yield f"NULL in {name}.{column}, which becomes another value"
    for column, new in reading.columns_redefined.items():
        old = find_column(known.columns, column)
        if strict and old and old.nullable and not new.nullable:
            if fills_null(new.type, strict, dialect):
                yield f"NULL in {name}.{column}, which becomes another value"
        elif old and (
            cuts(old, new, strict) if strict else loses(old, new, known.collation, strict, dialect)
        ):
            yield f"values of {name}.{column} that do not fit {new.text}"
    if strict:
        return
    for clause in reading.clauses:
        if clause.action == CONVERT and clause.name:
            new = Definition("text", charset=clause.name)
            for column, old in known.columns.items():
                if old.charset and not keeps_text(old, new, ""):
                    yield f"characters of {name}.{column} that {clause.name} does not have"


def after(facts: Facts, reading: Reading) -> Facts:
    """The facts for the statements that come after this one in its session."""
    gone = {one.name for one in reading.objects if one.kind == "trigger"}
    if gone and reading.verb == "drop":
        facts = replace(facts, tables={name: _without(one, gone)
                                       for name, one in facts.tables.items()})  # fmt: skip
    elif reading.verb == "alter" and (key := find_key(reading.objects[0], facts)):
        changed = replace(one := facts.tables[key], indexes=indexes_after(one.indexes, reading))
        facts = replace(facts, tables={**facts.tables, key: changed})
    return replace(facts, strict=False) if "sql_mode" in reading.settings else facts


def _without(table: TableFacts, triggers: set[str]) -> TableFacts:
    left = {name: one for name, one in table.fires.items() if name not in triggers}
    return table if len(left) == len(table.fires) else replace(table, fires=left)


def alter_way(reading: Reading, dialect: Dialect, known: TableFacts | None) -> Way:
    """How the server carries out an ALTER TABLE that asks for no way."""
    return way_of(dialect.name, _all_operations(reading, known), _furnishing(reading, known))


def _furnishing(reading: Reading, known: TableFacts | None) -> Furnishing:
    """What of the table decides how it is altered, with the indexes that are left."""
    if known is None:
        return Furnishing()
    dropped = {name.lower() for name in reading.columns_dropped}
    gone = {one.name.lower() for one in reading.clauses if one.action == "drop index"}
    left = {
        index.kind
        for name, index in known.indexes.items()
        if name not in gone and (not index.columns or {*index.columns} - dropped)
    }
    return Furnishing(
        frozenset(left),
        had_fulltext=any(index.kind == FULLTEXT for index in known.indexes.values()),
        numbers_texts=find_column(known.columns, TEXT_NUMBER) is not None,
        compressed=known.compressed,
    )


def copies_rows(reading: Reading, table: Table, dialect: Dialect) -> bool:
    """Whether an ALTER TABLE may write every row again through the server's own checks."""
    known = _facts_of(table)
    way = _way_of(reading, known, dialect)
    return _fills(reading, known) or way.algorithm == COPY.algorithm or not way.certain


def leaves_rows(reading: Reading, table: Table, dialect: Dialect) -> bool:
    """Whether an ALTER TABLE changes the definition alone, for certain: no row is written."""
    known = _facts_of(table)
    way = _way_of(reading, known, dialect)
    return way.certain and way.work == "none" and not _fills(reading, known)


def _facts_of(table: Table) -> TableFacts:
    columns = {name.lower(): column for name, column in table.columns.items()}
    return TableFacts(table.engine, 0, 0, columns, collation=table.collation,
                      indexes=table.indexes, compressed=table.compressed)  # fmt: skip


def _way_of(reading: Reading, known: TableFacts, dialect: Dialect) -> Way:
    return _no_better(alter_way(reading, dialect, known), _asked(reading))


def _fills(reading: Reading, known: TableFacts) -> bool:
    return not FILLS.isdisjoint(_all_operations(reading, known))


def _all_operations(reading: Reading, known: TableFacts | None) -> list[str]:
    operations = [
        each
        for clause in reading.clauses
        if clause.action not in (*ASKED, DROP_COLUMN)
        for each in _operations(clause, reading, known)
    ]
    operations += (_dropped(name.lower(), known) for name in reading.columns_dropped)
    if not set(operations) >= ONE_FOR_BOTH:
        return operations
    return ["change primary key", *(each for each in operations if each not in ONE_FOR_BOTH)]


def _operations(clause: Clause, reading: Reading, known: TableFacts | None) -> Iterator[str]:
    """The operations that a clause is, as `algorithms` names them; others are not known."""
    columns = known.columns.values() if known else ()
    if clause.action == REDEFINE:
        old = find_column(known.columns, clause.name) if known else None
        new = reading.columns_redefined.get(clause.name)
        if known is None or old is None or new is None:
            yield clause.action
            return
        for each in redefinition(old, new, known.collation):
            yield _in_table(each, clause.name.lower(), known)
        if "rename" in clause.words:
            yield "rename"
    elif clause.action == CHANGE_ENGINE:
        is_same = known is None or known.storage_engine.lower() == clause.name
        yield "rebuild" if is_same and clause.name == INNODB else clause.action
    elif clause.action in FILLED_ALIKE and clause.words and any(one.virtual for one in columns):
        yield from (clause.action, "add column amid virtual ones")
    elif clause.action == "add virtual column" and "first" in clause.words:
        yield "add virtual column first"
    else:
        yield clause.action


def _in_table(operation: str, column: str, known: TableFacts) -> str:
    """The operation on a column that is there, by what else the table has."""
    if operation == "change collation":
        kinds = {one.kind for one in known.indexes.values() if column in one.columns}
        suffix = " of a text index" if FULLTEXT in kinds else " of an index" if kinds else ""
        return operation + suffix
    if operation == CHANGE_VIRTUAL and any(column in one.columns for one in known.indexes.values()):
        return "change virtual column of an index"
    if operation == "change nullability":
        stored = any(one.generated and not one.virtual for one in known.columns.values())
        return f"{operation} beside stored columns" if stored else operation
    return operation


def _dropped(column: str, known: TableFacts | None) -> str:
    found = find_column(known.columns, column) if known else None
    if known is None or (found and found.virtual):
        return "drop virtual column" if found else DROP_COLUMN
    indexes = [one for one in known.indexes.values() if column in one.columns]
    if any(len(one.columns) > 1 for one in indexes):
        return "drop column of an index"
    return "drop column with its index" if indexes else DROP_COLUMN


def _asked(reading: Reading) -> dict[str, str]:
    return {clause.action: clause.name for clause in reading.clauses if clause.action in ASKED}


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
