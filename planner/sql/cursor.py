"""A cursor over the tokens of one statement: what a reader of SQL takes them from.

Knows no statement; a token that is missing is an empty one, and nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from lockgate.planner.sql.dialect import CONTINUED, ESCAPED, Dialect, literal_rows, tokens

COMMENT_EDGE = re.compile(r"/\*|\*/")
DOTTED = re.compile(r"(\.+)(.*)", re.DOTALL)
# No statement that people write has so many tokens besides rows of literals; they take 60 MB.
MOST = 250_000
DEPTH = {"(": 1, "[": 1, ")": -1, "]": -1}


class Token(NamedTuple):
    """A word, a quoted `name`, a `string`, `other` text, or the `end`; and where it is.

    A tuple, since there are many. `word` is its text in lower case, if that has a meaning of its
    own: if it is no quoted name and no string.
    """

    kind: str
    text: str
    start: int
    end: int
    word: str = ""

    @property
    def name(self) -> str:
        """The identifier that it is; empty if it is none."""
        if self.kind == "word":
            return self.text
        if self.kind != "name":
            return ""
        quote = self.text[0]
        return self.text[1:-1].replace(quote * 2, quote)


END = Token("end", "", 0, 0)


class Cursor:
    """A position in the tokens of a statement."""

    def __init__(self, found: tuple[Token, ...], sql: str) -> None:
        self._found = found
        self._sql = sql
        self._position = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._position >= len(self._found)

    @property
    def length(self) -> int:
        """How many tokens are left."""
        return len(self._found) - self._position

    @property
    def is_cut(self) -> bool:
        """Whether the statement has more tokens than are read of any."""
        return len(self._found) > MOST

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one after it; it stays."""
        place = self._position + ahead
        return self._found[place] if place < len(self._found) else END

    def take(self) -> Token:
        """The next token, which is passed."""
        token = self.peek()
        self._position += 1
        return token

    def sees(self, *words: str) -> bool:
        """Whether these words come next."""
        found, place = self._found, self._position
        for word in words:
            if place >= len(found) or found[place].word != word:
                return False
            place += 1
        return True

    def accept(self, *words: str) -> bool:
        """Whether these words came next; then they are passed."""
        if not self.sees(*words):
            return False
        self._position += len(words)
        return True

    def accept_any(self, *words: str) -> str:
        """The one of these words that came next and is passed; else an empty text."""
        return self.take().word if self.peek().word and self.peek().word in words else ""

    def skip_words(self, *words: str) -> None:
        """Passes these words, as often as one of them comes next."""
        while self.accept_any(*words):
            pass

    def name(self) -> str:
        """The identifier that comes next; empty if there is none."""
        if not self.peek().name:
            # A name may begin with a digit: https://dev.mysql.com/doc/refman/en/identifiers.html
            text = self.peek().text
            return self.take().text if self.peek().kind == "other" and text[:1].isdigit() else ""
        return self.take().name

    def qualified_name(self) -> tuple[str, str]:
        """The schema, if one is named, and the name."""
        first = self.name()
        if not first or not self.accept("."):
            return "", first
        return first, self.name()

    def group(self) -> Cursor:
        """What the parentheses that open next hold; they are passed."""
        first = self._position + 1
        self.pass_one()
        last = self._position - (self._position <= len(self._found))
        return Cursor(self._found[first : max(first, last)], self._sql)

    def pass_one(self) -> None:
        """Passes a token, or all of a group in parentheses."""
        self._position = self._after_one(self._position)

    def _after_one(self, place: int) -> int:
        found, depth = self._found, 0
        while place < len(found):
            depth += DEPTH.get(found[place].word, 0)
            place += 1
            if depth <= 0:
                break
        return place

    def clause(self) -> Cursor:
        """What comes before the next comma outside of parentheses; both are passed."""
        first = place = self._position
        found = self._found
        while place < len(found) and found[place].word != ",":
            place = self._after_one(place)
        self._position = place + 1
        return Cursor(found[first:place], self._sql)

    def until(self, *words: str) -> Cursor:
        """What comes before one of these words outside of parentheses; the word is next."""
        first = self._position
        while not self.at_end and self.peek().word not in words:
            self.pass_one()
        return Cursor(self._found[first : self._position], self._sql)

    def ahead(self) -> Cursor:
        """A cursor of its own over what is left here; nothing is passed."""
        return Cursor(self._found[self._position :], self._sql)

    def rest(self) -> Iterator[Token]:
        """All tokens that are left, those in parentheses too; none is passed."""
        yield from self._found[self._position :]

    def text(self) -> str:
        """The SQL that is left, as it is written."""
        if self.at_end:
            return ""
        return self._sql[self.peek().start : self._found[-1].end]


def read_tokens(sql: str, dialect: Dialect) -> Cursor:
    """A cursor over a statement: without comments, and with those that this server runs."""
    return _cursor(each_token(sql, dialect), sql)


def read_head(sql: str, dialect: Dialect) -> Cursor:
    """`read_tokens`, with rows of literals in a VALUES list as one string each time.

    Not within comments that are code, whose end only the way from their beginning tells.
    """
    if "/*!" in sql or "/*M!" in sql:
        return read_tokens(sql, dialect)
    return _cursor(_without_rows(sql, dialect), sql)


def _cursor(found: Iterable[Token], sql: str) -> Cursor:
    return Cursor(tuple(islice(found, MOST + 1)), sql)


def _without_rows(sql: str, dialect: Dialect) -> Iterator[Token]:
    rows, before, position = literal_rows(dialect), "", 0
    while position < len(sql):
        for token in each_token(sql, dialect, position):
            word = token.word
            if word == "(" and before in (",", "value", "values"):
                skipped = rows.match(sql, token.start)
                if skipped is not None:
                    position = skipped.end()
                    yield Token("string", "", token.start, position)
                    break
            before = word
            yield token
        else:
            return


def each_token(sql: str, dialect: Dialect, position: int = 0) -> Iterator[Token]:
    """The tokens from a position on, each as soon as it is wanted."""
    match, conditional = tokens(dialect).match, False
    # A token is made by `tuple`: its own constructor would cost as much as finding it.
    make = tuple.__new__
    while (found := match(sql, position)) and (kind := found.lastgroup or "") != "end":
        start, position = found.span(kind)
        text = sql[start:position]
        if kind in PLAIN:
            yield make(Token, (PLAIN[kind], text, start, position, text.lower()))
        elif kind == "other" and text[0] != ".":
            yield make(Token, ("other", text, start, position, text.lower()))
        elif kind == "other":
            yield from _split_dots(text, start)
        elif kind == "quoted":
            named = text[0] == "`" or (text[0] == '"' and dialect.ansi_quotes)
            yield make(Token, ("name" if named else "string", text, start, position, ""))
        elif kind == "condition" and dialect.runs_comment(text):
            conditional = True
        elif kind == "condition_end":
            if not conditional:
                position = start + 1
                yield Token("other", "*", start, position, "*")
            conditional = False
        elif kind in ENDS:
            position = ENDS[kind](sql, text, position)
            if kind in ("dollar", "escape"):
                yield Token("string", sql[start:position], start, position)


def _split_dots(text: str, start: int) -> Iterator[Token]:
    """A name after a dot is one token with it to the lexer."""
    end = start + len(text)
    parts = DOTTED.fullmatch(text)
    if parts is None or not parts[2]:
        yield Token("other", text, start, end, text.lower())
        return
    middle = start + len(parts[1])
    yield Token("other", parts[1], start, middle, parts[1])
    yield Token("word", parts[2], middle, end, parts[2].lower())


def _comment_end(sql: str, position: int, deepest: int) -> int:
    """Where a comment ends that may hold others, `deepest` in all; as `planner.sql.statements`."""
    depth = 1
    while depth and (edge := COMMENT_EDGE.search(sql, position)):
        opens = edge[0] == "/*" and deepest > 1
        depth = min(depth + 1, deepest) if opens else depth - (edge[0] == "*/")
        position = edge.end()
    return position if not depth else len(sql)


def _escape_end(sql: str, quote: int) -> int:
    """Where an E string ends that opens with this quote; it may go on in a next line."""
    while part := ESCAPED.match(sql, quote):
        again = CONTINUED.match(sql, part.end())
        if again is None:
            return part.end()
        quote = again.end()
    return len(sql)


def _after(sql: str, text: str, position: int) -> int:
    end = sql.find(text, position)
    return len(sql) if end < 0 else end + len(text)


# Kinds of the lexer whose text is a token as it is, and what the others go on to.
PLAIN = {"word": "word", "command": "word"} | dict.fromkeys(
    ("semicolon", "group", "open", "close", "mark", "stray", "operator"), "other"
)
ENDS: dict[str, Callable[[str, str, int], int]] = {
    "block": lambda sql, _text, position: _comment_end(sql, position, 1),
    "condition": lambda sql, _text, position: _comment_end(sql, position, 2),
    "dollar": _after,
    "escape": lambda sql, _text, position: _escape_end(sql, position - 1),
}
