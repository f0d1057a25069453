"""ALTER TABLE and its like in other words: with a way that the server must take, or as one.

Reads no table; a server says whether it takes the way.
"""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.reading.mysql.algorithms import Offer
from lockgate.planner.sql.cursor import Cursor, read_tokens
from lockgate.planner.sql.dialect import Dialect

INDEX = "index"


def with_way(sql: str, offer: Offer, dialect: Dialect) -> str:
    """The statement that is refused rather than carried out in a way that is worse.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> with_way("alter table t force -- now", Offer("INPLACE", "NONE"), MYSQL)
    'alter table t force, ALGORITHM=INPLACE, LOCK=NONE'
    >>> with_way("create index i on t (a)", Offer("INPLACE", "NONE"), MYSQL)
    'create index i on t (a) ALGORITHM=INPLACE LOCK=NONE'
    """
    cursor = read_tokens(sql, dialect)
    asked = [f"ALGORITHM={offer.algorithm}", *([f"LOCK={offer.lock}"] if offer.lock else [])]
    sign = " " if INDEX in _head(cursor) else ", "
    return sign.join((cursor.text(), *asked))


def joined(statements: Iterable[str], dialect: Dialect) -> str:
    """One ALTER TABLE with the clauses of several of the same table.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> joined(["alter table a.t add b int", "ALTER TABLE `a`.t force"], MYSQL)
    'alter table a.t add b int, force'
    """
    first, *others = statements
    clauses = (clauses_of(one, dialect) for one in others)
    return ", ".join((read_tokens(first, dialect).text(), *clauses))


def _head(cursor: Cursor) -> list[str]:
    """The words before the name of what is created or altered."""
    words = [cursor.peek(place).word for place in range(4)]
    return words[: words.index(INDEX) + 1] if INDEX in words and words[0] != "alter" else words[:2]


def clauses_of(sql: str, dialect: Dialect) -> str:
    """What an ALTER TABLE does, as it is written after the table's name."""
    cursor = read_tokens(sql, dialect)
    cursor.until("table")
    cursor.take()
    cursor.accept("if", "exists")
    cursor.qualified_name()
    return cursor.text()
