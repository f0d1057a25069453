"""Statements of PostgreSQL that may keep work before they end; all others are undone with the
transaction that each is outside of a block.

Reads the statement alone: what a function does that it calls cannot be seen.
"""

from __future__ import annotations

import re

from lockgate.planner.migrations.restrictions import OUTSIDE_ONLY
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import POSTGRESQL

# Procedures and DO blocks may commit: https://www.postgresql.org/docs/current/sql-call.html
COMMITTING = re.compile(
    r"call\b|do\b.*\b(commit|call)\b|alter\b.*\bconcurrently\b", re.IGNORECASE | re.DOTALL
)
# These work through several transactions, and to run them again does no harm.
# https://www.postgresql.org/docs/current/sql-reindex.html
UPKEEP = ("vacuum", "analyze", "analyse", "cluster", "reindex", "checkpoint")
# What they do is done outside of the database too, so the server allows them no block.
REMOTE = (("create", "subscription"), ("alter", "subscription"), ("drop", "subscription"))
MOVING = ("alter", "database")


def may_keep_part(sql: str) -> bool:
    """Whether a statement that was refused may have committed a part of its work.

    >>> may_keep_part("call rebuild()"), may_keep_part("create table t ()")
    (True, False)
    """
    return COMMITTING.match(sql) is not None


def commits_itself(sql: str) -> bool:
    """Whether a statement ends a transaction before another command could be a part of it.

    >>> commits_itself("vacuum t"), commits_itself("create /* */ index concurrently i on t (x)")
    (True, True)
    >>> commits_itself("insert into t values (1)")
    False
    """
    words = _words(sql)
    return (
        may_keep_part(sql)
        or words[0] in UPKEEP
        or words[:2] in (*OUTSIDE_ONLY, *REMOTE, MOVING)
        or _is_concurrent(words)
    )


def is_repeatable(sql: str) -> bool:
    """Whether a statement may be run that was begun, has ended, and is not noted as done.

    What does not commit by itself is noted in its own transaction, so it has not happened.

    >>> is_repeatable("vacuum t"), is_repeatable("insert into t values (1)")
    (True, True)
    >>> is_repeatable("call rebuild()"), is_repeatable("reindex table concurrently t")
    (False, False)
    """
    words = _words(sql)
    return not commits_itself(sql) or (words[0] in UPKEEP and not _is_concurrent(words))


def _is_concurrent(words: tuple[str, ...]) -> bool:
    # REFRESH MATERIALIZED VIEW CONCURRENTLY is the one that is a transaction.
    return "concurrently" in words and words[0] != "refresh"


def _words(sql: str) -> tuple[str, ...]:
    return tuple(token.word for token in read_tokens(sql, POSTGRESQL).rest() if token.word)
