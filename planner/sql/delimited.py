"""Tokens of a text whose statements another delimiter than a semicolon ends.

Makes no pattern for it: a file could name as many delimiters as it has lines. Reads no statement.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lockgate.planner.sql.dialect import SPACE, Dialect, tokens

SPACES = re.compile(rf"{SPACE}*+")
# Kinds of tokens that end where a delimiter begins.
CUT = frozenset({"word", "other", "mark", "operator"})
# What an operator's first character may also open; the longest of them is `/*!999999`.
OPENERS = frozenset({"block", "condition", "condition_end"})
LONGEST_OPENER = 16


class Found(NamedTuple):
    """The kind of a token, and where it is."""

    kind: str
    start: int
    end: int


class DelimitedText:
    """A text and its delimiter, from a position on."""

    def __init__(self, sql: str, dialect: Dialect, delimiter: str) -> None:
        self._sql = sql
        self._match = tokens(dialect).match
        self._delimiter = delimiter
        self._next = -1

    def find(self, position: int) -> Found:
        """The token that comes next: the delimiter before anything else."""
        spaces = SPACES.match(self._sql, position)
        assert spaces is not None, "it matches nothing too"
        start = spaces.end()
        if self._sql.startswith(self._delimiter, start):
            return Found("delimiter", start, start + len(self._delimiter))
        cut = self._before(start)
        return self._whole(start) if cut is None else cut

    def _before(self, start: int) -> Found | None:
        """The token that ends where the next delimiter begins, or before that; None: it may have
        the delimiter in it."""
        edge = self._edge(start)
        token = self._match(self._sql, start, edge)
        kind = (token and token.lastgroup) or ""
        if token is None or kind not in CUT:
            return None
        return None if self._opens(kind, start) else Found(kind, token.start(kind), token.end())

    def _opens(self, kind: str, start: int) -> bool:
        """Whether what the delimiter would cut is the beginning of a comment or a dollar quote."""
        if kind == "operator":
            longest = self._match(self._sql, start, start + LONGEST_OPENER)
            return longest is not None and longest.lastgroup in OPENERS
        if self._sql[start] != "$":
            return False
        longest = self._match(self._sql, start)
        return longest is not None and longest.lastgroup == "dollar"

    def _whole(self, start: int) -> Found:
        token = self._match(self._sql, start)
        assert token is not None, "the last kind of token matches anything"
        kind = token.lastgroup or ""
        end = min(token.end(), self._edge(start)) if kind in CUT else token.end()
        return Found(kind, token.start(kind), end)

    def _edge(self, start: int) -> int:
        """Where the next delimiter begins after this place, looked for once for all before it."""
        if self._next <= start:
            found = self._sql.find(self._delimiter, start + 1)
            self._next = len(self._sql) if found < 0 else found
        return self._next
