"""What a statement of MySQL and MariaDB does, read from its tokens.

Whatever is not understood has an obstacle: to be wrong on the safe side is the rule.
https://dev.mysql.com/doc/refman/en/sql-statements.html
https://mariadb.com/kb/en/sql-statements/
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from lockgate.planner.reading.mysql.accounts import (
    read_alter_user,
    read_create_user,
    read_grant,
    read_revoke,
)
from lockgate.planner.reading.mysql.algorithms import REBUILD, hold
from lockgate.planner.reading.mysql.alter import read_alter_table, read_parents
from lockgate.planner.reading.mysql.clauses import (
    asked_in,
    created_index,
    listed_index,
    read_outline,
)  # fmt: skip
from lockgate.planner.reading.mysql.rows import (
    read_delete,
    read_insert,
    read_load,
    read_replace,
    read_update,
)
from lockgate.planner.reading.mysql.settings import read_set, set_for_one
from lockgate.planner.reading.reading import Clause, Object, Reading
from lockgate.planner.sql.cursor import Cursor
from lockgate.planner.value import replace

READS = Reading("read")
PROGRAMS = ("procedure", "function", "event")
LISTED = {"table": "table", "tables": "table", "view": "view", "sequence": "sequence"}
OPENS_DEFINITION = frozenset({"select", "as", "with", "values", "table", "partition"})
# https://dev.mysql.com/doc/refman/9.7/en/atomic-ddl.html
WHOLE = frozenset(
    [
        *("alter", "create", "drop", "flush", "grant", "kill", "rename", "revoke"),
        *("import", "install", "uninstall"),
    ]
)


def read_effect(cursor: Cursor) -> Reading:
    """What a statement does to objects, rows and its session."""
    while cursor.accept("("):
        pass
    token = cursor.take()
    reader = READERS.get(token.word)
    return reader(cursor) if reader else _unknown(token.word)


def _unknown(*words: str) -> Reading:
    """Of a statement by its first words, of which the last says what it is about."""
    named = " ".join(words).upper() if words[0].isalpha() else "it"
    partial = words[0] not in WHOLE or words[-1] in ("database", "schema")
    return Reading("other", obstacle=f"{named} is nothing that lockgate can undo", partial=partial)


def _reads(cursor: Cursor) -> Reading:
    words = [token.word for token in cursor.rest()]
    if "outfile" in words or "dumpfile" in words:
        return Reading("other", obstacle="it writes a file on the server")
    if "setval" in words:
        return Reading("other", obstacle="it sets a sequence")
    return READS


def _with(cursor: Cursor) -> Reading:
    """The statement after common table expressions."""
    cursor.accept("recursive")
    while True:
        cursor.name()
        while not cursor.at_end and not cursor.accept("as"):
            cursor.pass_one()
        cursor.pass_one()
        if not cursor.accept(","):
            return read_effect(cursor)


def _analyze(cursor: Cursor) -> Reading:
    """ANALYZE TABLE, or MariaDB's ANALYZE of a statement, which it runs."""
    cursor.skip_words("local", "no_write_to_binlog")
    if cursor.accept_any("table", "tables"):
        return _analyzes_tables(cursor)
    if cursor.accept("format", "="):
        cursor.take()
    return read_effect(cursor)


def _analyzes_tables(cursor: Cursor) -> Reading:
    """With a list of tables alone it estimates again; what follows that is about statistics that
    the server keeps by column: UPDATE HISTOGRAM, DROP HISTOGRAM, PERSISTENT FOR.

    https://dev.mysql.com/doc/refman/9.7/en/analyze-table.html
    https://mariadb.com/kb/en/analyze-table/
    """
    tables = [cursor.qualified_name()]
    while cursor.accept(","):
        tables.append(cursor.qualified_name())
    if cursor.at_end:
        return Reading("maintain")
    reason = "it changes statistics of columns, which nothing brings back"
    return Reading("other", obstacle=reason, partial=len(tables) > 1)


def _maintains(cursor: Cursor) -> Reading:
    cursor.skip_words("local", "no_write_to_binlog")
    return Reading("maintain") if cursor.accept_any("table", "tables", "view") else UNCLEAR


def _optimizes(cursor: Cursor) -> Reading:
    reading = _maintains(cursor)
    tables = []
    while not cursor.at_end:
        tables.append(_object(cursor.clause(), "table"))
    return replace(reading, holds=tuple(hold(table, REBUILD) for table in tables))


def _uses(cursor: Cursor) -> Reading:
    name = cursor.name()
    return Reading("set", chosen_database=name, leaves_session=True) if name else UNCLEAR


def _prepares(_cursor: Cursor) -> Reading:
    return Reading("set", leaves_session=True)


def _calls_procedure(_cursor: Cursor) -> Reading:
    reason = "what the procedure does cannot be seen"
    return Reading("other", obstacle=reason, leaves_session=True, partial=True)


def _executes(_cursor: Cursor) -> Reading:
    reason = "the text that it runs cannot be seen"
    return Reading("other", obstacle=reason, leaves_session=True, partial=True)


def _sets(cursor: Cursor) -> Reading:
    if cursor.accept("statement"):  # https://mariadb.com/kb/en/set-statement/
        assignments = cursor.until("for")
        cursor.accept("for")
        return set_for_one(assignments, read_effect(cursor))
    return read_set(cursor)


def _creates(cursor: Cursor) -> Reading:
    whole = cursor.ahead()
    replaces = cursor.accept("or", "replace")
    _skip_modifiers(cursor)
    temporary = cursor.accept("temporary")
    kind = cursor.take()
    if kind.word == "table":
        return _creates_table(cursor, replaces, temporary)
    if kind.word == "index":
        return _changes_index(cursor, created_index(whole))
    if kind.word in ("view", "trigger", "sequence", *PROGRAMS):
        return _creates_object(cursor, kind.word, replaces)
    if kind.word == "user":
        return read_create_user(cursor, replaces=replaces)
    return _unknown("create", kind.word)


def _skip_modifiers(cursor: Cursor) -> None:
    modifiers = ("online", "offline", "aggregate", "unique", "fulltext", "spatial", "vector")
    while True:
        if cursor.accept("definer"):
            _skip_account(cursor)
        elif cursor.accept("algorithm"):
            cursor.accept("=")
            cursor.take()
        elif cursor.accept("sql", "security"):
            cursor.take()
        elif not cursor.accept_any(*modifiers):
            return


def _skip_account(cursor: Cursor) -> None:
    """= user@host, each of them quoted or not, or CURRENT_USER()."""
    cursor.accept("=")
    cursor.take()
    while cursor.peek().text.startswith("@"):
        if cursor.take().text == "@":
            cursor.take()
    cursor.accept("(", ")")


def _creates_table(cursor: Cursor, replaces: bool, temporary: bool) -> Reading:
    conditional = cursor.accept("if", "not", "exists")
    table = _object(cursor, "table")
    if not table.name:
        return UNCLEAR
    parents = read_parents(cursor)
    versions = ("system", "versioning") in pairwise(token.word for token in cursor.rest())
    outline = tuple(read_outline(cursor))
    like = _liked(cursor)
    if temporary:
        return Reading("create", (), conditional, temporary=True, leaves_session=True,
                      made_like=like, tables_written=(table,))  # fmt: skip
    return Reading(
        "create",
        (table,),
        conditional,
        replaces,
        outline=outline,
        storage_engine=_engine(cursor),
        versions=versions,
        made_like=like,
        parents=tuple(parents),
        cascades_from=tuple(one for one, cascades in parents.items() if cascades),
        obstacle="it drops the old table with its rows" if replaces else "",
        partial=replaces,
    )


def _liked(cursor: Cursor) -> Object | None:
    inner = cursor.group() if cursor.sees("(", "like") else cursor
    return _object(inner, "table") if inner.accept("like") else None


def _engine(cursor: Cursor) -> str:
    """The value of the table option ENGINE."""
    while not cursor.at_end and cursor.peek().word not in OPENS_DEFINITION:
        if cursor.accept("engine"):
            cursor.accept("=")
            value = cursor.take()
            return (value.name or value.text.strip("'\"")).lower()
        cursor.pass_one()
    return ""


def _creates_object(cursor: Cursor, kind: str, replaces: bool) -> Reading:
    conditional = cursor.accept("if", "not", "exists")
    created = _object(cursor, kind)
    words = [token.word for token in cursor.rest()]
    if not created.name or (kind == "function" and "soname" in words[:4]):
        return Reading("other", obstacle="it installs a function of the server")
    effect = Reading("create", (created,), conditional, replaces)
    if kind == "sequence" and replaces:
        return replace(effect, obstacle="it forgets the value of the old sequence")
    if kind != "trigger":
        return effect
    cursor.until("on")
    cursor.accept("on")
    table = _object(cursor, "table")
    return replace(effect, trigger_table=table) if table.name else UNCLEAR


def _changes_index(cursor: Cursor, action: str) -> Reading:
    """CREATE INDEX and DROP INDEX are ALTER TABLE by another name."""
    conditional = cursor.accept("if", "not", "exists") or cursor.accept("if", "exists")
    name = cursor.name()
    primary = name.lower() == "primary"
    cursor.until("on")
    cursor.accept("on")
    table = _object(cursor, "table")
    if not table.name:
        return UNCLEAR
    clause = Clause("drop primary key" if primary else action, table, name)
    if cursor.sees("("):
        clause = listed_index(action, table, name, cursor.ahead())
    clauses = (clause, *asked_in(cursor, table))
    return Reading("alter", (table,), conditional, changes_primary_key=primary, clauses=clauses)


def _object(cursor: Cursor, kind: str) -> Object:
    schema, name = cursor.qualified_name()
    return Object(kind, name, schema)


def _alters(cursor: Cursor) -> Reading:
    cursor.accept_any("online", "offline")
    ignores = cursor.accept("ignore")
    _skip_modifiers(cursor)
    kind = cursor.take()
    if kind.word == "table":
        effect = read_alter_table(cursor)
        lossy = "it drops rows that are not unique" if ignores else ""
        return replace(effect, obstacle=effect.obstacle or lossy)
    if kind.word == "user":
        return read_alter_user(cursor)
    if kind.word not in ("view", *PROGRAMS):
        return _unknown("alter", kind.word)
    conditional = cursor.accept("if", "exists")
    objects = [_object(cursor, kind.word)]
    if kind.word == "event":
        cursor.until("rename", "do")
        objects += [_object(cursor, "event")] if cursor.accept("rename", "to") else []
    named = all(one.name for one in objects)
    return Reading("alter", tuple(objects), conditional) if named else UNCLEAR


def _drops(cursor: Cursor) -> Reading:
    cursor.accept_any("online", "offline")
    temporary = cursor.accept("temporary")
    kind = cursor.take().word
    if kind == "prepare":
        return Reading("set", leaves_session=True)
    if kind == "index":
        return _changes_index(cursor, "drop index")
    if kind not in LISTED and kind not in ("trigger", *PROGRAMS):
        return _unknown("drop", kind)
    return _drops_objects(cursor, LISTED.get(kind, kind), temporary)


def _drops_objects(cursor: Cursor, kind: str, temporary: bool) -> Reading:
    conditional = cursor.accept("if", "exists")
    objects = [_object(cursor, kind)]
    while cursor.accept(","):
        objects.append(_object(cursor, kind))
    cursor.accept_any("restrict", "cascade")
    _skip_waiting(cursor)
    if not cursor.at_end or not all(one.name for one in objects):
        return UNCLEAR
    if temporary:
        return Reading("drop", (), conditional, temporary=True, leaves_session=True,
                      tables_written=tuple(objects))  # fmt: skip
    forgets = "it forgets the value of the sequence" if kind == "sequence" else ""
    return Reading("drop", tuple(objects), conditional, obstacle=forgets)


def _skip_waiting(cursor: Cursor) -> None:
    """WAIT n and NOWAIT of MariaDB: https://mariadb.com/kb/en/wait-and-nowait/"""
    if cursor.accept("wait"):
        cursor.take()
    cursor.accept("nowait")


def _renames(cursor: Cursor) -> Reading:
    if not cursor.accept_any("table", "tables"):
        return _unknown("rename", cursor.peek().word)
    conditional = cursor.accept("if", "exists")
    renames = []
    while not cursor.at_end:
        clause = cursor.clause()
        old = _object(clause, "table")
        _skip_waiting(clause)
        new = _object(clause, "table") if clause.accept("to") else None
        if not old.name or new is None or not new.name or not clause.at_end:
            return UNCLEAR
        renames.append((old, new))
    old_names = tuple(old for old, _ in renames)
    return Reading("rename", old_names, conditional, renames=tuple(renames))


def _truncates(cursor: Cursor) -> Reading:
    cursor.accept("table")
    table = _object(cursor, "table")
    _skip_waiting(cursor)
    if not table.name or not cursor.at_end:
        return UNCLEAR
    return Reading("truncate", tables_written=(table,), changes_counter=True)


UNCLEAR = Reading("other", obstacle="lockgate cannot read what it changes")
READERS: dict[str, Callable[[Cursor], Reading]] = {
    "alter": _alters,
    "analyze": _analyze,
    "call": _calls_procedure,
    "check": _maintains,
    "checksum": _maintains,
    "create": _creates,
    "deallocate": _prepares,
    "delete": read_delete,
    "desc": lambda _: READS,
    "describe": lambda _: READS,
    "do": _reads,
    "drop": _drops,
    "execute": _executes,
    "explain": lambda _: READS,
    "get": lambda _: READS,
    "grant": read_grant,
    "handler": lambda _: READS,
    "help": lambda _: READS,
    "insert": read_insert,
    "load": read_load,
    "optimize": _optimizes,
    "prepare": _prepares,
    "rename": _renames,
    "repair": _maintains,
    "replace": read_replace,
    "select": _reads,
    "set": _sets,
    "revoke": read_revoke,
    "show": lambda _: READS,
    "table": _reads,
    "truncate": _truncates,
    "update": read_update,
    "use": _uses,
    "values": _reads,
    "with": _with,
}
