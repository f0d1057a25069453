"""The head of a statement that carries many rows: enough of it to know what it does.

Shortens VALUES lists and nothing else; what is left out is not looked at.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

# A shorter text is read as it is.
LONG = 16_000
ROWS = 3

STRING = r"'[^']*+(?:''[^']*+)*+'"
ESCAPE = r"[eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
NAME = r'"[^"]*+(?:""[^"]*+)*+"'
DOLLAR = r"\$(?P<{0}>[A-Za-z_\x80-\U0010ffff]?[\w\x80-\U0010ffff]*)\$.*?\$(?P={0})\$"
LITERAL = rf"{ESCAPE}|{STRING}|{NAME}"
# What a row may hold besides parentheses; a comment or a dollar is none of it.
PLAIN = rf"(?:{LITERAL}|\w++|[^()'\"$\w/;-]++|-(?!-)|/(?!\*))"
GROUP = rf"\({PLAIN}*+\)"
DEEP = rf"\((?:{PLAIN}|{GROUP})*+\)"
DEEPER = rf"\((?:{PLAIN}|{DEEP})*+\)"
ROW = rf"\s*+\((?:{PLAIN}|{DEEPER})*+\)\s*+"
FIRST = rf"{ROW}(?:,{ROW}){{0,{ROWS - 1}}}+"
# What calls nothing, so that no reader need look at it.
NUMBER = r"[-+]?\.?[0-9][\w.]*+(?:(?<=e)[-+][0-9]++)?"
VALUE = rf"\s*+(?:{ESCAPE}|{STRING}|{NUMBER}|(?:null|true|false|default)\b)\s*+"
LITERALS = rf"(?:,\s*+\({VALUE}(?:,{VALUE})*+\)\s*+)*+"
# One match for all the others: a step in Python for each row would cost most of the reading.
OTHERS = rf"(?:,{ROW})*+"
MARK = (
    rf"{LITERAL}|{DOLLAR.format('tag')}|--[^\n\r]*+|(?P<comment>/\*)|"
    r"(?P<values>\bvalues\b)|\w++"
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when a text is long: most commands have none."""
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def shorten(sql: str) -> str:
    """The text with no more than a few rows of each VALUES list.

    >>> len(shorten("insert into t values " + ", ".join(["(1, 'a')"] * 10_000)))
    49
    """
    return sql if len(sql) <= LONG else _parts(sql)[0]


def rows_past(sql: str) -> str:
    """The rows that `shorten` leaves out, from the first one that is not of literals alone: values,
    words and parentheses, and no comments."""
    return "" if len(sql) <= LONG else _parts(sql)[1]


def words_of(sql: str) -> str:
    """The text without rows of literals past the first few, in which no word means anything."""
    return sql if len(sql) <= LONG else "".join(_parts(sql))


@lru_cache(maxsize=1)  # the readers of one statement ask one after the other
def _parts(sql: str) -> tuple[str, str]:
    """What is kept of a text, and of the rows that are left out those that may call something."""
    kept: list[str] = []
    left: list[str] = []
    done = position = 0
    mark_at = _compiled(MARK).search
    while (mark := mark_at(sql, position)) and not mark["comment"]:
        position = mark.end()
        if mark["values"]:
            head, calling, tail = _rows(sql, position)
            kept.append(sql[done:head])
            left.append(sql[calling:tail])
            done = position = tail
    return "".join([*kept, sql[done:]]), "".join(left)


def _rows(sql: str, position: int) -> tuple[int, int, int]:
    """Where the first rows of a list end, those of literals after them, and the last row."""
    first = _compiled(FIRST).match(sql, position)
    if first is None:
        return position, position, position
    ends = [first.end()]
    for pattern in (LITERALS, OTHERS):
        found = _compiled(pattern).match(sql, ends[-1])
        assert found is not None, "it matches nothing too"
        ends.append(found.end())
    return ends[0], ends[1], ends[2]


def may_set_sequence(sql: str) -> bool:
    """Whether it may call SETVAL, which is looked for anywhere in the text."""
    return "setval" in sql.lower()
