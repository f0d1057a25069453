"""Statements that a section may not hold, since lockgate itself runs the transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lockgate.planner.errors import BadSyntax, MigrationFileError
from lockgate.planner.reading.reader import read_section
from lockgate.planner.reading.reading import Reading
from lockgate.planner.sql.cursor import read_head
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
PACKAGES = (("package",), ("or", "replace", "package"))
OPENS = (("begin",), ("begin", "work"), ("begin", "transaction"), ("start", "transaction"))
CLOSES = (("commit",), ("commit", "work"), ("commit", "transaction"), ("end",))
TABLE_LOCKS = (("lock", "tables"), ("lock", "table"), ("unlock", "tables"))
SAVEPOINTS = (("savepoint",), ("release", "savepoint"), ("rollback",))

# Of PostgreSQL's, by the kinds that its reader tells.
ENDS = frozenset({"begin", "start", "commit", "rollback", "prepare transaction"})
OWN_TRANSACTION = (
    "Remove it: lockgate begins and commits. For a section that must run outside a transaction, "
    "write `transaction:false` after its marker."
)
OF_BLOBS = (
    "pg_dump writes the rows of large objects in transactions of their own: dump without them, "
    "with `--no-large-objects`, or remove each BEGIN and COMMIT."
)
# The first version that has a grammar which lockgate's reader of PostgreSQL does not know.
NEWER = 190000


def find_misplaced(
    statements: Sequence[Statement], dialect: Dialect, *, transactional: bool, alone: str
) -> Iterator[MigrationFileError]:
    """An error for each statement that its section may not hold, by what it does; BadSyntax for one
    that the server's grammar does not take. `alone` is how a file says that it is no transaction.
    """
    texts = (statement.sql for statement in statements)
    instead = ""
    readings = read_section(texts, dialect, transactional=transactional)
    for statement, reading in zip(statements, readings, strict=True):
        # A newer server may know more than the grammar does: then it is left to it.
        if reading.unread_at is not None and dialect.version < NEWER:
            yield _unread(statement, reading, reading.unread_at)
        elif reading.kind in ENDS:
            instead = instead or _without(statements, dialect)
            yield _disturbing(statement, instead)
        elif transactional and reading.outside_only:
            yield _outside_only(statement, alone)


def _unread(statement: Statement, reading: Reading, position: int) -> BadSyntax:
    before = statement.sql[:position]
    return BadSyntax(
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
    # Where each statement is journaled, a savepoint of lockgate's own is before it.
    if _begins(words, TABLE_LOCKS):
        raise _locking(statement)
    if ends or _begins(words, SAVEPOINTS) or _begins(words, CONTROL):
        raise _disturbing(statement)
    # Only a server that commits DDL by itself is worth loading its reader for.
    from lockgate.planner.reading.mysql.open_transaction import leaves_transaction_open

    if leaves_transaction_open(statement.sql, dialect):
        raise MigrationFileError(
            "CREATE TABLE … START TRANSACTION leaves a transaction open, in which no other "
            "statement but INSERT may run",
            line=statement.line,
            do="Remove START TRANSACTION: it is for what replication sends alone.",
        )


def refuse_package(statement: Statement, dialect: Dialect) -> None:
    """Raises MigrationFileError for CREATE PACKAGE of MariaDB, whose body cannot be told from the
    statements after it.

    https://mariadb.com/kb/en/create-package/
    """
    words = statement.words[1:] if statement.words[:1] == ("create",) else ()
    if "definer" in words[:3]:  # and a user, who may be quoted
        place = words.index("definer")
        following = words[place + 1 : place + 3]
        words = words[:place] + following[following[:1] != ("package",) :]
    if dialect.compound_bodies and _begins(words, PACKAGES):
        raise MigrationFileError(
            "lockgate does not read packages: only `sql_mode=ORACLE` has them, and it tells their "
            "body by other rules",
            line=statement.line,
            do="Write its procedures and functions by themselves.",
        )


def without_own_transaction(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The statements of a section, without the BEGIN and COMMIT around all of them: they mean what
    lockgate does."""
    is_one = len(statements) > 1 and statements[0].words in OPENS
    return statements[1:-1] if is_one and statements[-1].words in CLOSES else statements


def _without(statements: Sequence[Statement], dialect: Dialect) -> str:
    """What to do about a transaction that a section begins or ends itself."""
    opens = (
        token.word == "lo_open"
        for statement in statements
        for token in read_head(statement.sql, dialect).rest()
    )
    return OF_BLOBS if any(opens) else OWN_TRANSACTION


def _disturbing(statement: Statement, do: str = OWN_TRANSACTION) -> MigrationFileError:
    return MigrationFileError(
        f"`{' '.join(statement.words[:2]).upper()}` would disturb the transaction that lockgate "
        "runs",
        line=statement.line,
        do=do,
    )


def _locking(statement: Statement) -> MigrationFileError:
    return MigrationFileError(
        f"`{' '.join(statement.words[:2]).upper()}` commits, and shuts lockgate's own tables out",
        line=statement.line,
        do="Remove it. Rows that the last statements change are locked until the plan's end, and "
        "`select … for update` locks others. Only tables that the section itself makes may be "
        "locked, as a dump does.",
    )


def refuse_lock_release(statement: Statement, dialect: Dialect) -> None:
    """Raises MigrationFileError when a statement would release every lock of its session."""
    if dialect.transactional_ddl:
        return
    from lockgate.planner.reading.mysql.lock_release import RELEASE_ALL, releases_all_locks

    if releases_all_locks(statement.sql, dialect):
        raise MigrationFileError(
            f"`{RELEASE_ALL.upper()}()` would give away the migration lock, which keeps others "
            "out while lockgate runs",
            line=statement.line,
            do="Name the lock that is meant: `release_lock('name')`.",
        )


def _outside_only(statement: Statement, alone: str) -> MigrationFileError:
    return MigrationFileError(
        f"`{' '.join(statement.words[:4]).upper()}` cannot run inside a transaction",
        line=statement.line,
        do=f"Put it in a migration of its own, and write {alone}.",
    )


def refuse_copy_out(statement: Statement) -> None:
    """Raises MigrationFileError for COPY … TO STDOUT: there is no client to receive the rows."""
    words = statement.words
    if words[:1] == ("copy",) and ("to", "stdout") in pairwise(words):
        raise MigrationFileError(
            "`COPY … TO STDOUT` sends rows to a client, and a migration has none",
            line=statement.line,
            do="Remove it.",
        )


def unfilled_bounds(statement: Statement) -> MigrationFileError:
    """The error of a statement that has the bounds of batches, and does not run in any."""
    return MigrationFileError(
        "`{{…}}` is in a statement that does not run in batches",
        line=statement.line,
        why="Nothing would fill it.",
        do="Write `-- migrate:batch key=id` above the statement, or, for variables of the "
        "environment, `-- migrate:template jinja` above `-- migrate:up`.",
    )


def _begins(words: tuple[str, ...], beginnings: tuple[tuple[str, ...], ...]) -> bool:
    return any(words[: len(beginning)] == beginning for beginning in beginnings)
