"""Reads which names a text of SQL mentions: what it may read, call or move.

Knows no statement, nor what a name means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.sql.cursor import Token, read_tokens
from lockgate.planner.sql.dialect import Dialect

NAMED = ("word", "name")
MOVERS = ("nextval", "setval")
WRITERS = frozenset({"call", "delete", "execute", "load", "truncate", "update"})
# Functions have these names too.
WRITERS_OR_FUNCTIONS = frozenset({"insert", "replace"})

SHARED = frozenset({"global", "persist", "persist_only"})
"""Scopes of the server's settings."""

# Words of PL/pgSQL and SQL that change or run more than the row of a trigger.
REACHING = frozenset({
    *("insert", "update", "delete", "merge", "truncate", "copy", "create", "alter", "drop", "set"),
    *("execute", "perform", "call", "lock", "notify", "listen", "grant", "revoke", "do"),
    *("pg_notify", "set_config", "nextval", "setval"),
})  # fmt: skip


def read_mentions(sql: str, dialect: Dialect) -> Mentions:
    """The mentions of a statement, or of an expression.

    >>> from lockgate.planner.sql.dialect import MARIADB
    >>> read_mentions("nextval(shop.`Numbers`)", MARIADB).sequences
    frozenset({'shop.numbers'})
    """
    return find_mentions(list(read_tokens(sql, dialect).rest()), dialect)


def find_mentions(found: Sequence[Token], dialect: Dialect) -> Mentions:
    """The mentions of a text that has been cut into tokens."""
    called = (one for one, after in pairwise(found) if after.word == "(" and one.kind in NAMED)
    return Mentions(
        frozenset(one.word or one.name.lower() for one in found if one.kind in NAMED),
        frozenset(one.word or one.name.lower() for one in called),
        frozenset(_moved(found) if dialect.sequences else ()),
        frozenset(_writers(found)),
    )


def calls_of_a_row(body: str, dialect: Dialect) -> tuple[str, ...] | None:
    """What the PL/pgSQL of a trigger's function calls, or on MySQL and MariaDB the trigger itself,
    if it does nothing but change the row that is written, or refuse it; None where that cannot be
    seen.

    >>> from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
    >>> calls_of_a_row("begin new.at := now(); return new; end", POSTGRESQL)
    ('now',)
    >>> calls_of_a_row("begin insert into log values (new.id); return new; end", POSTGRESQL)
    >>> calls_of_a_row("begin new.at := app.now(); return new; end", POSTGRESQL)
    >>> calls_of_a_row("set new.name = insert(new.name, 1, 1, 'x')", MYSQL)
    ('insert',)
    >>> calls_of_a_row("insert into log values (new.id)", MYSQL)
    """
    found = list(read_tokens(body, dialect).rest())
    named = find_mentions(found, dialect)
    elsewhere = any(
        (dot.text, after.text) == (".", "(") and name.kind in NAMED
        for dot, name, after in zip(found, found[1:], found[2:], strict=False)
    )
    if dialect.compound_bodies:  # they have no DDL, and no text that is put together
        shared = any(one.text.lower().lstrip("@") in SHARED for one in found)
        reaches = bool(named.writes or named.sequences or shared)
    else:
        reaches = bool(named.names & REACHING)
    return None if elsewhere or reaches else tuple(sorted(named.calls))


def _writers(found: Sequence[Token]) -> Iterator[str]:
    yield from (one.word for one in found if one.word in WRITERS)
    for one, after in pairwise(found):
        if one.word in WRITERS_OR_FUNCTIONS and after.word != "(":
            yield one.word


def _moved(found: Sequence[Token]) -> Iterator[str]:
    """The sequences of NEXTVAL(s), SETVAL(s, …), NEXT VALUE FOR s, and Oracle's s.NEXTVAL.

    https://mariadb.com/kb/en/sequence-functions/
    """
    for place, token in enumerate(found):
        first, second, third = ([one.word for one in found[place : place + 3]] + ["", ""])[:3]
        if (first in MOVERS and second == "(") or (first, second, third) == (
            "next",
            "value",
            "for",
        ):
            yield _qualified(found, place + (2 if second == "(" else 3))
        elif second == "." and third == "nextval":
            yield token.name.lower()


def _qualified(found: Sequence[Token], place: int) -> str:
    parts = found[place : place + 3]
    length = 3 if len(parts) == 3 and parts[1].word == "." else 1
    return "".join((one.name or one.word).lower() for one in parts[:length])
