"""Statements that a section may not hold, since lockgate itself runs the transactions."""

from __future__ import annotations

from itertools import pairwise

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.sql.cursor import END, read_tokens
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import Statement

# https://www.postgresql.org/docs/current/sql-commands.html
# https://dev.mysql.com/doc/refman/8.4/en/sql-transactional-statements.html
CONTROL = (
    ("begin",),
    ("start", "transaction"),
    ("commit",),
    ("end",),
    ("abort",),
    ("prepare", "transaction"),
    ("xa",),
)
TABLE_LOCKS = (("lock", "tables"), ("lock", "table"), ("unlock", "tables"))
RELEASE_ALL = "release_all_locks"
SAVEPOINTS = (("savepoint",), ("release", "savepoint"), ("rollback",))

# PostgreSQL refuses these inside a transaction block.
OUTSIDE_ONLY = (
    ("vacuum",),
    ("create", "database"),
    ("drop", "database"),
    ("create", "tablespace"),
    ("drop", "tablespace"),
    ("alter", "system"),
)


def refuse_transaction_control(statement: Statement, dialect: Dialect) -> None:
    """Raises MigrationFileError when a statement would begin or end a transaction itself."""
    words = statement.words
    if words[:2] == ("begin", "not"):  # MariaDB's compound statement
        return
    ends = words[:1] == ("rollback",) and "to" not in words[1:3]
    # Where each statement is journaled, a savepoint of lockgate's own stands before it.
    disturbs = not dialect.transactional_ddl and _begins(words, TABLE_LOCKS + SAVEPOINTS)
    if ends or disturbs or _begins(words, CONTROL):
        raise MigrationFileError(
            f"`{' '.join(words[:2]).upper()}` would disturb the transaction that lockgate runs",
            line=statement.line,
            do="Remove it: lockgate begins and commits. For a section that must run outside "
            "a transaction, write `transaction:false` behind its marker.",
        )


def refuse_lock_release(statement: Statement, dialect: Dialect) -> None:
    """Raises MigrationFileError when a statement would release every lock of its session.

    https://dev.mysql.com/doc/refman/9.7/en/locking-functions.html
    """
    if dialect.transactional_ddl or RELEASE_ALL not in statement.sql.lower():
        return
    effect = read(statement.sql, dialect)
    only_defines = effect.verb in ("create", "alter") and effect.objects[0].kind != "table"
    if not only_defines and _calls(statement.sql, dialect, RELEASE_ALL):
        raise MigrationFileError(
            f"`{RELEASE_ALL.upper()}()` would give away the migration lock, which keeps others "
            "out while lockgate runs",
            line=statement.line,
            do="Name the lock that is meant: `release_lock('name')`.",
        )


def _calls(sql: str, dialect: Dialect, function: str) -> bool:
    """Whether a function of the server is called: its name stands behind no schema's."""
    found = [END, *read_tokens(sql, dialect).rest()]
    return any(
        before.word != "." and token.name.lower() == function and after.word == "("
        for before, token, after in zip(found, found[1:], found[2:], strict=False)
    )


def refuse_outside_only(statement: Statement, dialect: Dialect) -> None:
    """Raises MigrationFileError when a transactional section holds what the server runs alone."""
    if dialect.transactional_ddl and (
        _begins(statement.words, OUTSIDE_ONLY) or _is_concurrent(statement.words)
    ):
        raise MigrationFileError(
            f"`{' '.join(statement.words[:4]).upper()}` cannot run inside a transaction",
            line=statement.line,
            do="Put it in a migration of its own and write `transaction:false` behind "
            "`-- migrate:up` and `-- migrate:down`.",
        )


def refuse_copy_out(statement: Statement) -> None:
    """Raises MigrationFileError for COPY … TO STDOUT: nobody is there to receive the rows."""
    words = statement.words
    if words[:1] == ("copy",) and ("to", "stdout") in pairwise(words):
        raise MigrationFileError(
            "`COPY … TO STDOUT` sends rows to a client, and a migration has none",
            line=statement.line,
            do="Remove it.",
        )


def _begins(words: tuple[str, ...], beginnings: tuple[tuple[str, ...], ...]) -> bool:
    return any(words[: len(beginning)] == beginning for beginning in beginnings)


def _is_concurrent(words: tuple[str, ...]) -> bool:
    # REFRESH MATERIALIZED VIEW CONCURRENTLY is the one that runs in a transaction.
    return "concurrently" in words and words[0] in ("create", "drop", "reindex", "alter")
