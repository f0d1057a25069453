"""Cuts SQL text into the statements that a server would run, and finds lockgate's directives.

Parses no statement: what is wrong but cut in one way only is left to the server to refuse.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from lockgate.planner.errors import SplitError
from lockgate.planner.sql.bodies import Body, body_of
from lockgate.planner.sql.delimited import DelimitedText
from lockgate.planner.sql.dialect import CONTINUED, ESCAPED, TOKEN_KINDS, Dialect, pieces
from lockgate.planner.sql.mode_changes import ModeGuard
from lockgate.planner.value import frozen

WORDS_KEPT = 24
PART = 1 << 20  # characters of a text that are copied at once


@frozen
class Statement:
    """One statement of a section."""

    sql: str
    """What is sent to the server: without its terminator and the comments around it."""
    line: int
    """Of its first character, from 1."""
    words: tuple[str, ...]
    """The first bare words outside parentheses, in lower case; for classification only."""
    copy_data: str | None = None
    r"""The lines after COPY ... FROM STDIN, without the final `\.`."""


def last_line(statement: Statement) -> int:
    """The line of its last character, from 1."""
    return statement.line + statement.sql.count("\n")


@frozen
class Directive:
    """A comment that speaks to lockgate: `-- migrate:up transaction:false`."""

    text: str
    """What follows `migrate:`."""
    line: int

    @property
    def begins_section(self) -> bool:
        """Only up and down end the statement before them."""
        return self.text.split(maxsplit=1)[:1] in (["up"], ["down"])


@frozen
class DelimiterLeft:
    """The delimiter that a section has set last, and not back to `;`, on this line."""

    delimiter: str
    line: int


Scanned = Statement | Directive | DelimiterLeft


def says_more(sql: str) -> bool:
    """Whether a text may say more than its statements: what it allows, or another delimiter."""
    parts = (sql[place : place + PART + len("delimiter")] for place in range(0, len(sql), PART))
    return ALLOWS.search(sql) is not None or any("delimiter" in part.lower() for part in parts)


def scan(sql: str, dialect: Dialect, *, first_line: int = 1) -> Iterator[Scanned]:
    """Statements and directives in the order of the file; `first_line` is that of `sql`.

    Raises:
        SplitError: the text has no end of a quote, comment or body, or is no SQL.
    """
    return _Scanner(sql, dialect, first_line).items()


def split_statements(sql: str, dialect: Dialect, *, first_line: int = 1) -> tuple[Statement, ...]:
    r"""The statements alone.

    Raises:
        SplitError: as `scan`.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> [one.sql for one in split_statements("select $$;$$; -- it's\nselect 2", POSTGRESQL)]
    ['select $$;$$', 'select 2']
    """
    found = scan(sql, dialect, first_line=first_line)
    return tuple(item for item in found if isinstance(item, Statement))


ALLOWS = re.compile(r"migrate:\s*allow")
COMMENT_EDGE = re.compile(r"/\*|\*/")
COPY_HEADER = re.compile(r"copy(?: (?!from )\S+)* from stdin\b")
COPY_LINE_END = re.compile(r"(?:[ \t\r\f\v]|/\*(?:[^*\n]|\*(?!/))*+\*/)*+(?:--[^\n]*+)?(?:\n|\Z)")
COPY_DATA_END = re.compile(r"^\\\.[ \t]*\r?$\n?", re.MULTILINE)
RULE_HEADER = re.compile(r"create( or replace)? rule\b")
CLIENT_COMMAND = re.compile(r"\\?[^\s;]*(?:[ \t]+[^\s;]+)?")
GUARDED = "Remove this line and its like: with `\\restrict`, pg_dump guards psql alone."
DELIMITER_ARGUMENT = re.compile(r"[ \t]*(?:(['\"`])([^\\\n]+?)\1|([^\s\\'\"`]+)(?!\S))")
UNTERMINATED = {
    "'": "a quoted string has no end",
    '"': "a double quote has no end",
    "`": "a quoted name has no end",
}


class _Scanner:
    """One pass over a text. `_start` and `_end` are of the statement so far; -1: there is none."""

    def __init__(self, sql: str, dialect: Dialect, first_line: int) -> None:
        self._sql = sql
        self._dialect = dialect
        self._match = pieces(dialect).match
        self._delimited: DelimitedText | None = None
        self._position = 0
        self._counted = 0
        self._line = first_line
        self._found: list[Scanned] = []
        self._left = DelimiterLeft(";", 0)
        self._modes = ModeGuard(dialect)
        self._conditional = -1
        self._reset()

    def _reset(self) -> None:
        self._start = self._end = -1
        self._start_line = 0
        self._depth = 0
        self._words: list[str] = []
        self._body: Body | None = None

    def items(self) -> Iterator[Scanned]:
        """Everything found, each as soon as its end is read."""
        self._refuse_unsendable()
        readers: dict[str, Callable[[int, str], None]] = {
            kind: getattr(self, f"_read_{kind}") for kind in ("delimiter", *TOKEN_KINDS)
        }
        kind = ""
        while kind != "end":
            kind, start, self._position = self._find()
            readers[kind](start, self._sql[start : self._position])
            if self._found:
                yield from self._found
                self._found.clear()

    def _find(self) -> tuple[str, int, int]:
        if self._delimited is not None:
            return self._delimited.find(self._position)
        token = self._match(self._sql, self._position)
        assert token is not None, "the last kind of token matches anything"
        kind = token.lastgroup or ""
        return kind, token.start(kind), token.end()

    def _refuse_unsendable(self) -> None:
        if self._sql.startswith("\ufeff"):
            self._fail("a byte order mark is before the SQL", 0, "Save it without a BOM.")
        nul = self._sql.find("\0")
        if nul >= 0:
            self._fail("a NUL character is in the SQL", nul, "Write it as an escape, or in hex.")

    def _line_of(self, position: int) -> int:
        """Counts each newline once, as positions rarely go back."""
        if position < self._counted:
            return self._line - self._sql.count("\n", position, self._counted)
        self._line += self._sql.count("\n", self._counted, position)
        self._counted = position
        return self._line

    def _fail(self, what: str, position: int, do: str) -> NoReturn:
        raise SplitError(what, line=self._line_of(position), do=do)

    def _begin(self, position: int) -> None:
        self._start = position
        self._start_line = self._line_of(position)

    def _take(self, start: int, text: str) -> None:
        """Any token of a statement that is not a word."""
        if self._start < 0:
            self._begin(start)
        self._end = self._position
        if self._body is not None and not self._depth:
            self._body.read(text, start)

    _read_quoted = _read_other = _read_mark = _read_operator = _take

    def _read_word(self, start: int, text: str) -> None:
        if self._start < 0:
            self._begin(start)
        self._end = self._position
        if self._depth:
            return
        word = text.lower()
        if len(self._words) < WORDS_KEPT:
            self._words.append(word)
        if self._body is not None:
            self._body.read(word, start)
        elif word in self._dialect.body_kinds:
            self._body = body_of(self._words, start, self._dialect)
        elif start == self._start and word in self._dialect.client_commands:
            self._refuse_command(start)

    def _refuse_command(self, start: int) -> NoReturn:
        command = CLIENT_COMMAND.match(self._sql, start)
        assert command is not None, "called only at a command"
        self._fail(
            f"`{command[0].rstrip()}` is a command of the client, not SQL",
            start,
            GUARDED
            if "restrict" in command[0]
            else "Write SQL: no client is between lockgate and the server.",
        )

    def _read_group(self, start: int, _text: str) -> None:
        """Parentheses that are passed over as a whole: a body only hears that they were there."""
        self._take(start, "(")
        if self._body is not None and not self._depth:
            self._body.read(")", self._position - 1)

    def _read_open(self, start: int, text: str) -> None:
        self._take(start, text)
        self._depth += 1

    def _read_close(self, start: int, text: str) -> None:
        self._depth = max(self._depth - 1, 0)
        self._take(start, text)

    def _read_comment(self, _start: int, _text: str) -> None:
        """A comment belongs to a statement only if more of that follows."""

    def _read_block(self, start: int, _text: str) -> None:
        if self._dialect.nested_comments:
            self._skip_nested_comment(start, deepest=sys.maxsize)
            return
        end = self._sql.find("*/", self._position)
        if end < 0:
            self._fail("a comment has no end", start, "Close it with */.")
        self._position = end + 2

    def _skip_nested_comment(self, start: int, *, deepest: int) -> None:
        depth = 1
        while depth:
            edge = COMMENT_EDGE.search(self._sql, self._position)
            if edge is None:
                self._fail("a comment has no end", start, "Close it, and each within it, with */.")
            self._position = edge.end()
            depth = min(depth + 1, deepest) if edge[0] == "/*" else depth - 1

    def _read_condition(self, start: int, text: str) -> None:
        """One that this server skips is no statement, and may hold comments, but no deeper ones.

        Of those that it runs, one within another changes nothing: the first */ ends both.
        """
        if self._start < 0:
            self._begin(start)
        if self._dialect.runs_comment(text):
            self._conditional = start
            self._end = self._position
        else:
            self._skip_nested_comment(start, deepest=2)

    def _read_condition_end(self, start: int, _text: str) -> None:
        if self._conditional < 0:
            self._position = start + 1
            self._take(start, "*")
            return
        self._conditional = -1
        self._end = self._position

    def _read_escape(self, start: int, text: str) -> None:
        """The parts of an E string that continue on further lines are E strings too."""
        quote = self._position - 1
        while True:
            part = ESCAPED.match(self._sql, quote)
            if part is None:
                self._fail(UNTERMINATED["'"], start, "Close it with '.")
            self._position = part.end()
            again = CONTINUED.match(self._sql, self._position)
            if again is None:
                break
            quote = again.end()
        self._take(start, text)

    def _read_dollar(self, start: int, text: str) -> None:
        end = self._sql.find(text, self._position)
        if end < 0:
            self._fail(f"a string that {text} opens has no end", start, f"Close it with {text}.")
        self._position = end + len(text)
        self._take(start, text)

    def _read_stray(self, start: int, text: str) -> None:
        if text == "\\":
            self._refuse_command(start)
        self._fail(UNTERMINATED[text], start, f"Close it with {text}.")

    def _read_command(self, start: int, text: str) -> None:
        """DELIMITER is a command only where a statement would begin; else it is a name.

        https://dev.mysql.com/doc/refman/en/stored-programs-defining.html
        """
        self._position = start + len("delimiter")
        if self._end >= 0:
            self._read_word(start, text)
            return
        line_end = self._sql.find("\n", start)
        line_end = len(self._sql) if line_end < 0 else line_end
        argument = DELIMITER_ARGUMENT.match(self._sql, self._position, line_end)
        if argument is None:
            self._fail("DELIMITER names no delimiter", start, "Name one, such as //.")
        self._position = line_end
        self._left = DelimiterLeft(argument[2] or argument[3], self._line_of(start))
        self._set_delimiter(self._left.delimiter)

    def _set_delimiter(self, delimiter: str) -> None:
        is_usual = delimiter == ";"
        self._delimited = None if is_usual else DelimitedText(self._sql, self._dialect, delimiter)

    def _read_delimiter(self, _start: int, _text: str) -> None:
        self._refuse_unclosed()
        self._finish_statement()

    def _read_semicolon(self, start: int, _text: str) -> None:
        if self._body is not None and self._body.goes_on():
            self._end = self._position
            self._depth = 0
        elif self._depth and self._dialect.rule_actions and self._starts(RULE_HEADER):
            self._end = self._position
        else:
            self._refuse_open_condition()
            copies = self._dialect.copy_data and self._starts(COPY_HEADER)
            self._finish_statement(self._read_copy_data() if copies else None)

    def _starts(self, header: re.Pattern[str]) -> bool:
        return header.match(" ".join(self._words)) is not None

    def _read_copy_data(self) -> str:
        """The lines up to `\\.`; https://www.postgresql.org/docs/current/sql-copy.html"""
        head = COPY_LINE_END.match(self._sql, self._position)
        if head is None:
            self._fail(
                "more SQL follows COPY FROM STDIN", self._start, "Begin its data on a new line."
            )
        end = COPY_DATA_END.search(self._sql, head.end())
        if end is None:
            self._fail(
                "the data of COPY FROM STDIN has no end", self._start, r"End it with a line \."
            )
        self._position = end.end()
        return self._sql[head.end() : end.start()]

    def _finish_statement(self, copy_data: str | None = None) -> None:
        if self._end >= 0:
            sql, words = self._sql[self._start : self._end], tuple(self._words)
            if self._modes.is_changed_by(sql, words):
                self._refuse_mode()
            self._found.append(Statement(sql, self._start_line, words, copy_data))
        self._reset()

    def _refuse_mode(self) -> NoReturn:
        self._fail(
            f"the statement changes {self._dialect.lexing_setting}, and so how later text is read",
            self._start,
            "Set it for the role, database or server, outside of the migrations.",
        )

    def _refuse_open_condition(self) -> None:
        if self._conditional >= 0:
            self._fail("a conditional comment has no end", self._conditional, "Close it with */.")

    def _refuse_unclosed(self) -> None:
        self._refuse_open_condition()
        unclosed = self._body.unclosed() if self._body is not None else None
        if unclosed is not None:
            self._fail(f"{unclosed[0]} has no END", unclosed[1], "Close the body with END.")

    def _finish_section(self) -> None:
        """A section may end without a semicolon, and the next begins with the usual delimiter."""
        self._refuse_unclosed()
        if self._dialect.copy_data and self._starts(COPY_HEADER):
            self._fail("COPY FROM STDIN has no data", self._start, "Write ; and its data.")
        self._finish_statement()
        if self._delimited is not None:
            self._found.append(self._left)
        self._set_delimiter(";")

    def _read_end(self, _start: int, _text: str) -> None:
        self._finish_section()

    def _read_directive(self, start: int, text: str) -> None:
        directive = Directive(text.split("migrate:", 1)[1].strip(), self._line_of(start))
        if directive.begins_section:
            self._finish_section()
        self._found.append(directive)
