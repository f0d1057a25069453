"""Which tables and columns a statement of MySQL and MariaDB writes rows of.

Where its tables cannot be told apart, it names more of them rather than fewer.
https://dev.mysql.com/doc/refman/en/sql-data-manipulation-statements.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.sql.cursor import Cursor
from lockgate.planner.value import replace

UNREADABLE = Reading("other", obstacle="lockgate cannot read which rows it writes")
MODIFIERS = ("low_priority", "delayed", "high_priority", "quick", "ignore", "concurrent", "local")
TAIL = ("where", "order", "limit", "returning")
LIMITS = ("where", "limit")
QUERIES = ("select", "with", "values", "table", "(")
# What may follow a table's name where its alias could be.
AFTER_TABLE = frozenset(
    [
        *("on", "using", "inner", "cross", "left", "right", "natural", "join", "straight_join"),
        *("use", "force", "ignore", "partition", "for", "set", "where", "outer"),
    ]
)
INSERTS, UPDATES, DELETES = (frozenset({one}) for one in ("insert", "update", "delete"))
JOINS = ("join", "straight_join", ",")


def read_insert(cursor: Cursor) -> Reading:
    """The effect of what follows INSERT."""
    cursor.skip_words(*MODIFIERS)
    cursor.accept("into")
    found = _written([_table(cursor)], INSERTS)
    updates = ("on", "duplicate") in pairwise(token.word for token in cursor.rest())
    changes = found.row_changes | (UPDATES if updates else frozenset())
    return replace(found, gives_defaults=True, row_changes=changes)


def read_replace(cursor: Cursor) -> Reading:
    """The effect of what follows REPLACE: it deletes the row that it puts another in place of."""
    inserts = read_insert(cursor)
    return replace(inserts, row_changes=INSERTS | DELETES)


def read_load(cursor: Cursor) -> Reading:
    """The effect of what follows LOAD."""
    if not cursor.accept_any("data", "xml"):
        return UNREADABLE
    ahead = cursor.ahead()
    while not cursor.at_end and not cursor.accept("into", "table"):
        cursor.pass_one()
    replaces = "replace" in [token.word for token in ahead.rest()]
    changes = INSERTS | DELETES if replaces else INSERTS
    return replace(_written([_table(cursor)], changes), gives_defaults=True)


def read_update(cursor: Cursor) -> Reading:
    """The effect of what follows UPDATE."""
    cursor.skip_words(*MODIFIERS)
    everywhere = _is_unbounded(cursor.ahead())
    defaults = any(token.word == "default" for token in cursor.rest())
    references = cursor.until("set")
    plain = not any(token.word in (*JOINS, "(", "for") for token in references.rest())
    known = _references(references)
    cursor.accept("set")
    assigned = list(_assigned(cursor.until(*TAIL)))
    tables = list(dict.fromkeys(known.values()))
    if all(table in known for table, _ in assigned):
        tables = list(dict.fromkeys(known[table] for table, _ in assigned))
        plain = True
    columns = frozenset(column for _, column in assigned)
    effect = _written(tables, UPDATES)
    if len(tables) == 1 and plain and columns and all(columns) and not effect.obstacle:
        effect = replace(effect, columns_written=columns)
    return replace(effect, gives_defaults=defaults, every_row=everywhere and not effect.obstacle)


def read_delete(cursor: Cursor) -> Reading:
    """The effect of what follows DELETE; https://dev.mysql.com/doc/refman/en/delete.html"""
    cursor.skip_words(*MODIFIERS)
    if cursor.sees("history", "from"):
        return Reading("other", obstacle="it deletes the history of rows")
    written = _deleted(cursor.ahead())
    return replace(written, every_row=_is_unbounded(cursor) and not written.obstacle)


def _deleted(cursor: Cursor) -> Reading:
    if not cursor.accept("from"):
        targets = cursor.until("from")
        cursor.accept("from")
        return _written(_resolved(targets, cursor.until(*TAIL)), DELETES)
    targets = cursor.until("using", *TAIL)
    if cursor.accept("using"):
        return _written(_resolved(targets, cursor.until(*TAIL)), DELETES)
    return _written(list(_references(targets).values()), DELETES)


def _is_unbounded(cursor: Cursor) -> bool:
    """Whether no condition says which rows: there is none, or it is `true` or `1 = 1`."""
    cursor.until(*LIMITS)
    if not cursor.accept("where"):
        return cursor.at_end
    condition = cursor.until("order", "limit", "returning")
    cursor.until("limit")
    return cursor.at_end and _is_always_true(condition)


def _is_always_true(condition: Cursor) -> bool:
    while condition.sees("("):
        inner = condition.group()
        if not condition.at_end:
            return False
        condition = inner
    found = list(condition.rest())
    if any(token.kind == "name" for token in found):
        return False
    words = [token.text.lower() for token in found]
    if len(words) == 1:
        return words == ["true"] or (words[0].isdecimal() and bool(int(words[0])))
    is_constant = bool(found) and (found[0].kind == "string" or words[0].isdecimal())
    return is_constant and words[1:] == ["=", words[0]]


def _written(tables: list[Object], changes: frozenset[str]) -> Reading:
    if not tables or not all(table.name for table in tables):
        return UNREADABLE
    return Reading("write", tables_written=tuple(dict.fromkeys(tables)), row_changes=changes)


def _table(cursor: Cursor) -> Object:
    schema, name = cursor.qualified_name()
    return Object("table", name, schema)


def _assigned(cursor: Cursor) -> Iterator[tuple[str, str]]:
    """The table, as far as it is named, and the column of each assignment; empty where that
    cannot be read."""
    while not cursor.at_end:
        clause = cursor.clause()
        table, name = "", clause.name()
        while clause.accept("."):
            table, name = name, clause.name()
        is_read = clause.accept("=") or clause.accept(":", "=")
        yield (table, name) if is_read else ("", "")


def _references(cursor: Cursor) -> dict[str, Object]:
    """The tables of a list of joins by the names that they have in it."""
    found: dict[str, Object] = {}
    expects_table = True
    while not cursor.at_end:
        if expects_table:
            found |= _factor(cursor)
            expects_table = False
        elif cursor.accept_any(*JOINS):
            expects_table = True
        else:
            cursor.pass_one()
    return found


def _factor(cursor: Cursor) -> dict[str, Object]:
    cursor.accept("lateral")
    if cursor.sees("("):
        group = cursor.group()
        return {} if group.peek().word in QUERIES[:-1] or not group.peek().kind else _inner(group)
    table = _table(cursor)
    if cursor.sees("("):  # a function that makes a table: JSON_TABLE
        cursor.pass_one()
        return {}
    if cursor.accept("partition"):
        cursor.pass_one()
    cursor.accept("as")
    alias = "" if cursor.peek().word in AFTER_TABLE else cursor.peek().name
    return {alias or table.name: table}


def _inner(group: Cursor) -> dict[str, Object]:
    """The tables of joins in parentheses, or none for a query in more of them."""
    while group.sees("(") and group.peek(1).word in QUERIES:
        group = group.group()
        if group.peek().word in QUERIES[:-1]:
            return {}
    return _references(group)


def _resolved(targets: Cursor, references: Cursor) -> list[Object]:
    """The tables that a DELETE of several names, perhaps by their aliases."""
    known = _references(references)
    found = []
    while not targets.at_end:
        target = _target(targets.clause())
        found.append(target if target.schema else known.get(target.name, target))
    return found


def _target(clause: Cursor) -> Object:
    parts = [clause.name()]
    while clause.accept(".") and not clause.accept("*"):
        parts.append(clause.name())
    return Object("table", parts[-1], parts[-2] if len(parts) > 1 else "")
