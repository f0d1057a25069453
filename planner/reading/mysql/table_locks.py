"""LOCK TABLES around the rows of tables that the same section has made, as a dump writes it.

Nobody else knows such a table yet, so there is nothing to lock. Judges no other statement.
https://dev.mysql.com/doc/refman/9.7/en/lock-tables.html
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import Statement

LOCK = (("lock", "tables"), ("lock", "table"))
UNLOCK = ("unlock", "tables")


def without_needless_locks(
    statements: Sequence[Statement], dialect: Dialect
) -> tuple[Statement, ...]:
    """The statements without LOCK TABLES of what they have made, and the UNLOCK TABLES after it."""
    if not any(statement.words[:2] in LOCK for statement in statements):
        return tuple(statements)
    kept, made, needless = [], set[str](), False
    for statement in statements:
        if statement.words[:2] in LOCK:
            needless = set(_locked(statement.sql, dialect)) <= made
        if not (needless and statement.words[:2] in (*LOCK, UNLOCK)):
            kept.append(statement)
        effect = read(statement.sql, dialect)
        if effect.verb == "create" and not effect.conditional:
            made |= {one.name for one in effect.objects if one.kind == "table"}
    return tuple(kept)


def _locked(sql: str, dialect: Dialect) -> list[str]:
    """The tables that LOCK TABLES names."""
    cursor = read_tokens(sql, dialect)
    cursor.accept("lock")
    cursor.accept_any("tables", "table")
    found = []
    while not cursor.at_end:
        schema, name = cursor.clause().qualified_name()
        found.append(f"{schema}.{name}" if schema else name)
    return found
