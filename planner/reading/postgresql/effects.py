"""What a statement of PostgreSQL does to others, read from its tokens: locks, work, what is lost.

No parser library gets DDL right, so this is a table of our own; a statement that is not in it
has no lock, and no rule speaks of it.
https://www.postgresql.org/docs/current/sql-commands.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.postgresql.alter import Found, read_alter_table
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    EXCLUSIVE,
    LOCKS,
    ROW_EXCLUSIVE,
    SHARE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    hold,
    read_name,
    read_object,
    read_objects,
    read_parents,
)
from lockgate.planner.reading.reading import Hold, Object, Reading
from lockgate.planner.sql.cursor import Cursor, read_tokens
from lockgate.planner.sql.dialect import Dialect

RELATIONS = ("table", "view", "sequence", "index")
# Of these only their table is locked, the one behind ON.
ON_TABLE = ("trigger", "policy", "rule")
MODIFIERS = ("or", "replace", "unique", "global", "local", "unlogged", "recursive", "constraint")

OPENS_QUERY = ("select", "with", "values", "table", "(")


def read_impact(sql: str, dialect: Dialect, facts: Facts) -> Impact:
    """What one statement does to others; never raises on what `planner.sql.statements` has cut.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> [(one.on.name, one.lock) for one in
    ...  read_impact("create index on t (a)", POSTGRESQL, Facts()).holds]
    [('t', 'SHARE')]
    """
    found = _read(sql, dialect, facts)
    reading = replace(
        found.effect,
        kind=found.kind,
        every_row=found.every_row,
        queries=found.queries,
        opaque=found.opaque,
        outside_only=found.outside_only,
    )
    return Impact(reading, found.holds, found.loses)


def _read(sql: str, dialect: Dialect, facts: Facts) -> Found:
    cursor = read_tokens(sql, dialect)
    if cursor.accept("alter", "table"):
        if cursor.sees("all", "in", "tablespace"):
            return Found(Reading("other"), "alter table")
        return read_alter_table(cursor, facts)
    return _statement(cursor)


def _statement(cursor: Cursor) -> Found:
    while cursor.accept("("):
        pass
    reader = READERS.get(cursor.take().word)
    return reader(cursor) if reader else Found(Reading("other"))


def _alteration(kind: str, *holds: Hold) -> Found:
    named = tuple(dict.fromkeys(one.on for one in holds))
    return Found(Reading("alter", named), kind, holds)


def _with(cursor: Cursor) -> Found:
    """The statement behind common table expressions; which tables these write is not seen."""
    cursor.accept("recursive")
    before = []
    while True:
        cursor.name()
        while not cursor.at_end and not cursor.accept("as"):
            cursor.pass_one()
        cursor.accept("not")
        cursor.accept("materialized")
        before.append(cursor.group())
        if not cursor.accept(","):
            return _behind(before, _statement(cursor))


def _behind(before: list[Cursor], impact: Found) -> Found:
    """A statement's impact with the work of what WITH puts before it; one that only reads has none,
    as a SELECT has none."""
    changes = any(one.peek().word in ("update", "delete", "merge") for one in before)
    reads = impact.effect.verb != "read" and any(_reads_rows(one) for one in before)
    return replace(impact, queries=impact.queries or changes or reads)


def _reads_rows(query: Cursor) -> bool:
    """Whether there is a table to read in a query: what it says itself are few rows."""
    while query.sees("("):
        query = query.group()
    while not query.at_end and not query.sees("table"):
        if query.sees("from") and not query.sees("from", "(", "values"):
            return True
        query.pass_one()
    return query.sees("table")


def _fills(cursor: Cursor) -> bool:
    """Whether the query behind AS fills what is made."""
    cursor.until("as")
    is_empty = [token.word for token in cursor.rest()][-3:] == ["with", "no", "data"]
    return cursor.accept("as") and not is_empty and _reads_rows(cursor)


def _creates(cursor: Cursor) -> Found:
    cursor.skip_words(*MODIFIERS)
    temporary = bool(cursor.accept_any("temporary", "temp"))
    kind = "materialized view" if cursor.accept("materialized", "view") else cursor.take().word
    if kind == "table":
        return _creates_table(cursor, temporary)
    if kind == "index":
        return _creates_index(cursor)
    if kind in ON_TABLE:
        return _on_table(cursor, "create", kind)
    if kind == "statistics":
        cursor.until("from")
        cursor.accept("from")
        return _alteration("create statistics",
                       hold(read_object(cursor), SHARE_UPDATE_EXCLUSIVE))  # fmt: skip
    conditional = cursor.accept("if", "not", "exists")
    outside = kind in ("database", "tablespace")
    made = Reading("create", (read_object(cursor, kind),), conditional)
    fills = kind == "materialized view" and _fills(cursor)
    return Found(made, f"create {kind}", queries=fills, outside_only=outside)


def _creates_table(cursor: Cursor, temporary: bool) -> Found:
    conditional = cursor.accept("if", "not", "exists")
    table = read_object(cursor)
    holds = list(read_parents(cursor))
    if cursor.accept("partition", "of"):
        holds.append(hold(read_object(cursor), ACCESS_EXCLUSIVE))
    cursor.until("inherits", "as")
    if cursor.accept("inherits"):
        parents = read_objects(cursor.group())
        holds += [hold(parent, SHARE_UPDATE_EXCLUSIVE) for parent in parents]
    others = tuple(one for one in holds if one.on != table)
    effect = Reading(
        "create",
        () if temporary else (table,),
        conditional,
        temporary=temporary,
        tables_written=(table,) if temporary else (),
    )
    return Found(effect, "create table", others, queries=_fills(cursor))


def _creates_index(cursor: Cursor) -> Found:
    concurrently = cursor.accept("concurrently")
    lock = SHARE_UPDATE_EXCLUSIVE if concurrently else SHARE
    cursor.until("on")
    cursor.accept("on")
    built = hold(read_object(cursor), lock, "scan")
    return Found(Reading("alter", (built.on,)), "create index", (built,), outside_only=concurrently)


def _on_table(cursor: Cursor, verb: str, kind: str) -> Found:
    """CREATE, ALTER and DROP of what belongs to a table, which is altered by each of them.

    Of a rule its event stands before ON.
    """
    cursor.until("to" if kind == "rule" and verb == "create" else "on")
    cursor.take()
    creates_trigger = (verb, kind) == ("create", "trigger")
    lock = SHARE_ROW_EXCLUSIVE if creates_trigger else ACCESS_EXCLUSIVE
    return _alteration(f"{verb} {kind}", hold(read_object(cursor), lock))


def _alters(cursor: Cursor) -> Found:
    kind = "materialized view" if cursor.accept("materialized", "view") else cursor.take().word
    if kind in ON_TABLE:
        return _on_table(cursor, "alter", kind)
    cursor.accept("if", "exists")
    one = read_object(cursor, kind)
    if kind == "index":
        return _alteration("alter index", hold(one, SHARE_UPDATE_EXCLUSIVE))
    if kind in ("view", "materialized view"):
        return _alteration(f"alter {kind}", hold(one, ACCESS_EXCLUSIVE))
    return Found(Reading("alter", (one,)), f"alter {kind}", outside_only=kind == "system")


def _drops(cursor: Cursor) -> Found:
    kind = "materialized view" if cursor.accept("materialized", "view") else cursor.take().word
    if kind in ON_TABLE:
        return _on_table(cursor, "drop", kind)
    concurrently = cursor.accept("concurrently")
    conditional = cursor.accept("if", "exists")
    objects = read_objects(cursor, kind)
    lock = SHARE_UPDATE_EXCLUSIVE if concurrently else ACCESS_EXCLUSIVE
    is_relation = kind in (*RELATIONS, "materialized view")
    return Found(
        Reading("drop", objects, conditional),
        f"drop {kind}",
        tuple(hold(one, lock) for one in objects) if is_relation else (),
        loses=tuple(_lost(kind, objects, cursor)),
        outside_only=concurrently or kind in ("database", "tablespace"),
    )


def _lost(kind: str, objects: tuple[Object, ...], cursor: Cursor) -> Iterator[str]:
    """What goes with its rows; without CASCADE only what is empty of tables can be dropped."""
    cascades = "cascade" in [token.word for token in cursor.rest()]
    if kind in ("table", "database") or (kind in ("schema", "type", "domain") and cascades):
        for one in objects:
            name = f"{one.schema}.{one.name}" if one.schema else one.name
            yield f"the {kind} {name}"
    if kind == "owned":
        yield "everything that a role owns"


def _truncates(cursor: Cursor) -> Found:
    cursor.accept("table")
    tables = read_objects(cursor)
    lost = tuple(f"every row of {table.name}" for table in tables)
    # Its new file is empty: nothing is read or written anew.
    holds = tuple(hold(table, ACCESS_EXCLUSIVE) for table in tables)
    return Found(Reading("truncate", tables_written=tables), "truncate", holds, loses=lost)


def _reindexes(cursor: Cursor) -> Found:
    if cursor.sees("("):
        cursor.pass_one()
    kind = cursor.take().word
    concurrently = cursor.accept("concurrently")
    if kind not in ("table", "index"):
        return Found(Reading("maintain"), f"reindex {kind}", outside_only=True)
    one = read_object(cursor, kind)
    strong = SHARE if kind == "table" else ACCESS_EXCLUSIVE
    lock = SHARE_UPDATE_EXCLUSIVE if concurrently else strong
    holds = (hold(one, lock, "scan"),)
    return Found(Reading("maintain"), f"reindex {kind}", holds, outside_only=concurrently)


def _vacuums(cursor: Cursor) -> Found:
    options = cursor.group() if cursor.sees("(") else cursor
    full = "full" in [token.word for token in options.rest()]
    cursor.skip_words("full", "freeze", "verbose", "analyze")
    rewritten = [hold(one, ACCESS_EXCLUSIVE, "rewrite") for one in read_objects(cursor)]
    quiet = [hold(one.on, SHARE_UPDATE_EXCLUSIVE) for one in rewritten]
    holds = tuple(rewritten if full else quiet)
    return Found(Reading("maintain"), "vacuum full" if full else "vacuum", holds,
                  outside_only=True)  # fmt: skip


def _analyzes(cursor: Cursor) -> Found:
    if cursor.sees("("):
        cursor.pass_one()
    cursor.skip_words("verbose")
    tables = read_objects(cursor)
    return Found(Reading("maintain"), "analyze",
                  tuple(hold(one, SHARE_UPDATE_EXCLUSIVE) for one in tables))  # fmt: skip


def _clusters(cursor: Cursor) -> Found:
    if cursor.sees("("):
        cursor.pass_one()
    cursor.skip_words("verbose")
    table = read_object(cursor)
    holds = (hold(table, ACCESS_EXCLUSIVE, "rewrite"),) if table.name else ()
    return Found(Reading("maintain"), "cluster", holds)


def _refreshes(cursor: Cursor) -> Found:
    cursor.accept("materialized", "view")
    concurrently = cursor.accept("concurrently")
    view = read_object(cursor, "materialized view")
    # CONCURRENTLY compares the rows, and writes those that differ.
    quiet, loud = hold(view, EXCLUSIVE, "scan"), hold(view, ACCESS_EXCLUSIVE, "rewrite")
    held = (quiet if concurrently else loud,)
    return Found(Reading("maintain"), "refresh materialized view", held)


def _locks(cursor: Cursor) -> Found:
    cursor.accept("table")
    tables = read_objects(cursor)
    cursor.until("in")
    cursor.accept("in")
    mode = " ".join(token.text.upper() for token in cursor.until("mode").rest())
    lock = mode if mode in LOCKS else ACCESS_EXCLUSIVE
    holds = tuple(hold(table, lock) for table in tables)
    return Found(Reading("other"), "lock table", holds)


def _comments(cursor: Cursor) -> Found:
    cursor.accept("on")
    kind = cursor.take().word
    if kind == "column":
        parts = [read_name(cursor)]
        while cursor.accept("."):
            parts.append(read_name(cursor))
        owner = Object("table", parts[-2] if len(parts) > 1 else "", "".join(parts[-3:-2]))
        return _alteration("comment", hold(owner, SHARE_UPDATE_EXCLUSIVE))
    if kind not in ("table", "index"):
        return Found(Reading("alter"), "comment")
    return _alteration("comment", hold(read_object(cursor, kind), SHARE_UPDATE_EXCLUSIVE))


def _writes(kind: str, *before: str) -> Callable[[Cursor], Found]:
    """A reader of statements that write rows of the table behind these words."""

    def read(cursor: Cursor) -> Found:
        cursor.skip_words(*before)
        table = read_object(cursor)
        queries = kind == "insert" and _inserts_query(cursor)
        unbounded = kind in ("update", "delete") and "where" not in _outer_words(cursor)
        lost = (f"every row of {table.name}",) if unbounded and kind == "delete" else ()
        effect = Reading("write", tables_written=(table,))
        holds = (hold(table, ROW_EXCLUSIVE),)
        return Found(effect, kind, holds, loses=lost, every_row=unbounded, queries=queries)

    return read


def _inserts_query(cursor: Cursor) -> bool:
    """Whether the rows of an INSERT, which is read behind its table, are those of a query."""
    if cursor.accept("as"):
        cursor.name()
    source = cursor.until("conflict", "returning")
    if source.sees("(") and source.peek(1).word not in OPENS_QUERY:
        source.pass_one()
    return _reads_rows(source)


def _outer_words(cursor: Cursor) -> Iterator[str]:
    while not cursor.at_end:
        yield cursor.peek().word
        cursor.pass_one()


def _copies(cursor: Cursor) -> Found:
    if cursor.sees("("):
        return Found(Reading("read"), "copy")
    table = read_object(cursor)
    if "from" not in _outer_words(cursor):
        return Found(Reading("read"), "copy")
    return Found(Reading("write", tables_written=(table,)), "copy", (hold(table, ROW_EXCLUSIVE),))


def _reads(_cursor: Cursor) -> Found:
    return Found(Reading("read"), "select")


def _runs(kind: str) -> Callable[[Cursor], Found]:
    """A reader of statements that run code which is not read."""
    return lambda _cursor: Found(Reading("other"), kind, opaque=True)


def _sets(_cursor: Cursor) -> Found:
    return Found(Reading("set"), "set")


READERS: dict[str, Callable[[Cursor], Found]] = {
    "alter": _alters,
    "analyze": _analyzes,
    "call": _runs("call"),
    "cluster": _clusters,
    "comment": _comments,
    "copy": _copies,
    "create": _creates,
    "delete": _writes("delete", "from"),
    "do": _runs("do"),
    "drop": _drops,
    "execute": _runs("execute"),
    "insert": _writes("insert", "into"),
    "lock": _locks,
    "merge": _writes("merge", "into"),
    "refresh": _refreshes,
    "reindex": _reindexes,
    "reset": _sets,
    "select": _reads,
    "set": _sets,
    "table": _reads,
    "truncate": _truncates,
    "update": _writes("update"),
    "vacuum": _vacuums,
    "values": _reads,
    "with": _with,
}
