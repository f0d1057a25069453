"""Statements that a section may not hold, since lockgate itself runs the transactions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lockgate.planner.database.facts import Facts
from lockgate.planner.errors import BadSyntax, MigrationFileError
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.reader import read_impacts
from lockgate.planner.reading.reading import Reading
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

# Of PostgreSQL's, by the kinds that its reader tells.
ENDS = frozenset({"begin", "start", "commit", "rollback", "prepare transaction"})
# The first version that has a grammar which lockgate's reader of PostgreSQL does not know.
NEWER = 190000


def refuse_in_section(
    statements: Sequence[Statement], dialect: Dialect, *, transactional: bool
) -> None:
    """Raises MigrationFileError for a statement that its section may not hold, by what it does.

    Raises:
        BadSyntax: the server's grammar does not take it.
    """
    texts = (statement.sql for statement in statements)
    impacts = read_impacts(texts, dialect, Facts(), transactional=transactional)
    for statement, impact in zip(statements, impacts, strict=True):
        _refuse_unread(statement, impact.reading, dialect)
        if impact.reading.kind in ENDS:
            raise _disturbing(statement)
        if transactional and impact.reading.outside_only:
            raise _outside_only(statement)


def _refuse_unread(statement: Statement, reading: Reading, dialect: Dialect) -> None:
    """A newer server may know more than the grammar does: then it is left to it."""
    if reading.unread_at is None or dialect.version >= NEWER:
        return
    before = statement.sql[: reading.unread_at]
    raise BadSyntax(
        reading.unread,
        line=statement.line + before.count("\n"),
        column=len(before) - before.rfind("\n"),
        why="PostgreSQL's grammar does not take it, so no server can run it.",
        do="Correct the statement; the mistake may be just before this place, such as a missing "
        "`;`.",
    )


def refuse_transaction_control(statement: Statement, dialect: Dialect) -> None:
    """Raises MigrationFileError when a statement of MySQL or MariaDB would begin or end a
    transaction itself."""
    words = statement.words
    if dialect.transactional_ddl or words[:2] == ("begin", "not"):  # MariaDB's compound statement
        return
    ends = words[:1] == ("rollback",) and "to" not in words[1:3]
    # Where each statement is journaled, a savepoint of lockgate's own stands before it.
    disturbs = _begins(words, TABLE_LOCKS + SAVEPOINTS)
    if ends or disturbs or _begins(words, CONTROL):
        raise _disturbing(statement)


def _disturbing(statement: Statement) -> MigrationFileError:
    return MigrationFileError(
        f"`{' '.join(statement.words[:2]).upper()}` would disturb the transaction that lockgate "
        "runs",
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
    cursor = read_tokens(sql, dialect)
    found = [END, *cursor.rest()]
    return cursor.is_cut or any(
        before.word != "." and token.name.lower() == function and after.word == "("
        for before, token, after in zip(found, found[1:], found[2:], strict=False)
    )


def _outside_only(statement: Statement) -> MigrationFileError:
    return MigrationFileError(
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
