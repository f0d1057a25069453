"""What a dump says that a migration needs not: LOCK TABLES around the rows of tables that the same
section has made, and mysqldump's frame for a new replica. Judges no other statement.

No other session sees such a table yet, so there is nothing to lock. The frame says that the rows
are transactions of its source and not to be logged; those of a migration are the server's own.
https://dev.mysql.com/doc/refman/9.7/en/lock-tables.html
https://dev.mysql.com/doc/refman/9.7/en/mysqldump.html#option_mysqldump_set-gtid-purged
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import Statement

LOCK = (("lock", "tables"), ("lock", "table"))
UNLOCK = ("unlock", "tables")
SAVED = "set@mysqldump_temp_log_bin=@@session.sql_log_bin"
RESTORED = "set@@session.sql_log_bin=@mysqldump_temp_log_bin"
GTIDS = re.compile(r"set@@global\.gtid_purged=(?:'\+')?'[^']*'")
"""As mysqldump writes them, without their spaces."""


def without_needless(statements: Sequence[Statement], dialect: Dialect) -> tuple[Statement, ...]:
    """The statements without those locks and that frame."""
    return _without_needless_locks(_without_frame(statements, dialect), dialect)


def _without_frame(statements: Sequence[Statement], dialect: Dialect) -> Sequence[Statement]:
    settings = {
        statement: "".join(
            token.text.lower() for token in read_tokens(statement.sql, dialect).rest()
        )
        for statement in statements
        if statement.words[:1] == ("set",)
    }
    if SAVED not in settings.values():
        return statements
    frame = {SAVED, RESTORED, "set@@session.sql_log_bin=0"}
    return [
        one
        for one in statements
        if settings.get(one) not in frame and not GTIDS.fullmatch(settings.get(one, ""))
    ]


def _without_needless_locks(
    statements: Sequence[Statement], dialect: Dialect
) -> tuple[Statement, ...]:
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
