"""Passwords that are written in a statement: found, and hidden from its reviewers.

It reads the statement as its server does, where `planner.passwords` hides what looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.planner.passwords import HIDDEN
from lockgate.planner.sql.cursor import each_token
from lockgate.planner.sql.dialect import POSTGRESQL, Dialect

MENTIONED = ("password", "identified", "connection")
IN_CONNECTION = re.compile(
    r"(?<=password=)[^\s']+|(?<=password=')[^']+|(?<=:)(?<!://)[^:/@\s]+(?=@)", re.IGNORECASE
)
HASH = re.compile(r"'(?:SCRAM-SHA-256\$|md5[0-9a-f]{32}|\$A\$|\*[0-9A-F]{40})", re.IGNORECASE)
"""How what a server keeps in place of a password begins."""


def without_passwords(sql: str, dialect: Dialect | None) -> str:
    """The statement as a reviewer sees it. It is read as the server reads it, so that nothing but
    a string can be hidden: no text in a comment makes the rest look like one. Without a dialect
    it is read as by PostgreSQL.

    >>> without_passwords("alter role a password 'x'; -- password '\\nselect 1", POSTGRESQL)
    "alter role a password '***'; -- password '\\nselect 1"
    """
    shown, position = [], 0
    for start, end, instead in _places(sql, dialect or POSTGRESQL):
        shown += [sql[position:start], instead]
        position = end
    return "".join([*shown, sql[position:]])


def has_password(sql: str, dialect: Dialect) -> bool:
    """Whether a password can be read in the statement; a hash of one cannot be logged in with."""
    return any(not HASH.match(sql, start) for start, *_ in _places(sql, dialect))


def _places(sql: str, dialect: Dialect) -> Iterator[tuple[int, int, str]]:
    """Where passwords begin and end, in the code of a body too, and what to show in their place:
    of whole strings, and of parts of the string that says how to connect."""
    text = sql.lower()  # a pattern that ignores case takes fifty times as long
    if not any(map(text.__contains__, MENTIONED)):
        return
    before: list[str] = []
    for token in each_token(sql, dialect):
        if token.kind != "string":
            before = [*before[-4:], token.word]
        elif _is_password(before) and token.end - token.start > len("''"):
            yield token.start, token.end, HIDDEN
        elif before[-1:] == ["connection"]:
            for found in IN_CONNECTION.finditer(sql, token.start, token.end):
                yield *found.span(), HIDDEN[1:-1]
        elif token.text.startswith("$"):
            tag = token.text.index("$", 1) + 1
            for start, end, instead in _places(token.text[tag:-tag], dialect):
                yield token.start + tag + start, token.start + tag + end, instead


def _is_password(before: list[str]) -> bool:
    """Whether a string is one, by the words before it.

    >>> _is_password(["identified", "by"]), _is_password(["select", "by"])
    (True, False)
    """
    words = [word for word in before if word not in ("=", "(")]
    return words[-1:] == ["password"] or (
        "identified" in words and words[-1] in ("by", "as", "password")
    )
