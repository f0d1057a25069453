"""Texts of code: a statement, and the strings in it that DO, EXECUTE, PREPARE and functions run.

Reads words; says nothing about what they do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

from lockgate.planner.sql.cursor import Cursor, read_head
from lockgate.planner.sql.dialect import Dialect

RUNS_TEXT = frozenset({"do", "execute", "prepare", "function", "procedure"})
"""Words of statements whose strings are code."""
DEEPEST = 4
STARTS = frozenset({"begin", "then", "else", "loop", "repeat", "row", "do", ";"})
"""After which a statement begins in a body."""


class CodeText:
    """The tokens of a text, and their words: each in lower case, without quotes."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.found = list(cursor.rest())
        self.is_cut = cursor.is_cut

    @cached_property
    def words(self) -> list[str]:
        """Of the tokens, in their order."""
        return [one.word or one.name.lower() for one in self.found]

    def codes(self) -> Iterator[str]:
        """The strings that are code."""
        if RUNS_TEXT & set(self.words):
            yield from (one.text for one in self.found if one.kind == "string")


def without_rows(sql: str, text: CodeText) -> str:
    """A statement without the rows of literals that its tokens have as strings without a text."""
    parts, done = [], 0
    for token in text.found:
        if token.kind == "string" and not token.text:
            parts.append(sql[done : token.start])
            done = token.end
    return "".join([*parts, sql[done:]])


@lru_cache(maxsize=1)
def cut_statement(sql: str, dialect: Dialect) -> CodeText:
    """The tokens of a statement, which is asked for several times in a row."""
    return CodeText(read_head(sql, dialect))


def cut_string(text: str, dialect: Dialect) -> CodeText:
    """The tokens of what is in a string."""
    return CodeText(read_head(content(text), dialect))


def begins(words: Sequence[str]) -> Iterator[int]:
    """Where statements begin in a body."""
    return (place + 1 for place, word in enumerate(words) if word in STARTS)


def content(text: str) -> str:
    """What is in a string or a quoted name; other text as it is."""
    dollar = re.match(r"\$\w*\$", text)
    if dollar:
        return text[dollar.end() : -dollar.end()]
    if text[-1:] in ("'", '"', "`"):
        quote = text[-1]
        return text[text.index(quote) + 1 : -1].replace(quote * 2, quote)
    return text


def each_text(sql: str, dialect: Dialect) -> Iterator[CodeText]:
    """A statement, and all code in its strings."""
    yield from _nested(cut_statement(sql, dialect), dialect, 0)


def each_code(text: str, dialect: Dialect) -> Iterator[CodeText]:
    """The code that a string holds, and all that is in its strings."""
    yield from _nested(CodeText(read_head(text, dialect)), dialect, 1)


def _nested(text: CodeText, dialect: Dialect, depth: int) -> Iterator[CodeText]:
    yield text
    for one in text.codes() if depth < DEEPEST else ():
        yield from _nested(cut_string(one, dialect), dialect, depth + 1)
