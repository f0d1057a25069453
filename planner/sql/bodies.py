"""Statements that hold statements: which semicolons belong to the body of a stored program.

Sees the tokens outside parentheses and nothing else; reads no text and raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from lockgate.planner.sql.dialect import Dialect


class Body(Protocol):
    """Follows a statement from the word that says that it may have a body."""

    def read(self, token: str, position: int) -> None:
        """Take the next token at depth 0: a word in lower case, or the text of anything else."""

    def goes_on(self) -> bool:
        """Whether a semicolon here is within the body."""

    def unclosed(self) -> tuple[str, int] | None:
        """The word that opened the outermost open block, and its position."""


class AtomicBody:
    """BEGIN ATOMIC ... END of PostgreSQL.

    END closes only where a statement could begin: any keyword may be a column's label, as in
    `select 1 as end`. https://www.postgresql.org/docs/current/sql-createfunction.html
    """

    def __init__(self) -> None:
        self._before = ""
        self._opened = -1

    def read(self, token: str, position: int) -> None:
        """BEGIN ATOMIC opens; END closes, if nothing is between it and a statement's start."""
        closes = token == "end" and self._before == ";"
        if self._opened < 0 and (self._before, token) == ("begin", "atomic"):
            self._opened = position
            self._before = ";"
        else:
            self._opened = -1 if closes else self._opened
            self._before = token

    def goes_on(self) -> bool:
        """Every semicolon between BEGIN ATOMIC and END."""
        self._before = ";"
        return self._opened >= 0

    def unclosed(self) -> tuple[str, int] | None:
        """The ATOMIC that has no END."""
        return ("BEGIN ATOMIC", self._opened) if self._opened >= 0 else None


BLOCKS = frozenset({"begin", "case", "for", "if", "loop", "repeat", "while"})
OPENS_STATEMENTS = frozenset({"begin", "else", "loop", "repeat"})
CONDITION_ENDS = {
    "case": "then",
    "elseif": "then",
    "for": "do",
    "if": "then",
    "not": "atomic",
    "until": "end",
    "when": "then",
    "while": "do",
}
CHARACTERISTICS = frozenset(
    [
        "as",
        "comment",
        "contains",
        "data",
        "definer",
        "deterministic",
        "invoker",
        "javascript",
        "language",
        "modifies",
        "no",
        "not",
        "reads",
        "security",
        "sql",
        "using",
    ]
)
HANDLED_BEFORE = frozenset({"for", "not", "sqlstate", "value"})


class CompoundBody:
    """The body of a procedure, function, trigger or event of MySQL and MariaDB, by the grammar.

    Only a word where a statement begins opens or closes a block: IF, REPEAT and CASE are functions
    and expressions elsewhere. https://dev.mysql.com/doc/refman/en/sql-compound-statements.html
    """

    def __init__(self, kind: str, position: int) -> None:
        self._blocks: list[tuple[str, int]] = []
        self._cases = 0
        self._condition_end = ""
        self._expects_condition = False
        self._state: Callable[[CompoundBody, str, int], None] = CompoundBody._statement
        if kind in HEADERS:
            self._state = HEADERS[kind]
        elif kind == "atomic":
            self._blocks.append(("begin", position))
        else:
            self._statement(kind, position)

    def read(self, token: str, position: int) -> None:
        """One step of the state machine; each state is a method."""
        self._state(self, token, position)

    def goes_on(self) -> bool:
        """Within a block, a semicolon ends a statement of the body."""
        self._state = CompoundBody._statement
        return bool(self._blocks)

    def unclosed(self) -> tuple[str, int] | None:
        """The first block that has no END."""
        return (self._blocks[0][0].upper(), self._blocks[0][1]) if self._blocks else None

    def _parameters(self, token: str, _position: int) -> None:
        if token == ")":
            self._state = CompoundBody._characteristics

    def _characteristics(self, token: str, position: int) -> None:
        if token == ":":
            self._state = CompoundBody._statement
        elif token[0].isalpha() and token not in CHARACTERISTICS:
            self._statement(token, position)

    def _returns(self, token: str, _position: int) -> None:
        if token == "returns":
            self._state = CompoundBody._returned_type

    def _returned_type(self, token: str, position: int) -> None:
        if token == ":":
            self._state = CompoundBody._statement
        elif token == "return" or token in BLOCKS:
            self._statement(token, position)

    def _trigger(self, token: str, _position: int) -> None:
        if token == "each":
            self._state = CompoundBody._each

    def _each(self, _token: str, _position: int) -> None:
        self._state = CompoundBody._order

    def _order(self, token: str, position: int) -> None:
        if token in ("follows", "precedes"):
            self._state = CompoundBody._other_trigger
        else:
            self._statement(token, position)

    def _other_trigger(self, _token: str, _position: int) -> None:
        self._state = CompoundBody._statement

    def _schedule(self, token: str, _position: int) -> None:
        if token == "do":
            self._state = CompoundBody._statement

    def _statement(self, token: str, position: int) -> None:
        if token in BLOCKS:
            self._blocks.append((token, position))
        if token == "end":
            self._close()
        elif token in OPENS_STATEMENTS:
            self._state = CompoundBody._statement
        elif token in CONDITION_ENDS:
            self._condition_end = CONDITION_ENDS[token]
            self._cases = 0
            self._state = CompoundBody._condition
        elif token == "declare":
            self._state = CompoundBody._declaration
        else:
            self._state = CompoundBody._label

    def _label(self, token: str, _position: int) -> None:
        self._state = CompoundBody._statement if token == ":" else CompoundBody._rest

    def _rest(self, _token: str, _position: int) -> None:
        """Nothing in a simple statement matters up to its semicolon."""

    def _condition(self, token: str, _position: int) -> None:
        if token == "case":
            self._cases += 1
        elif token == "end" and self._cases:
            self._cases -= 1
        elif token == self._condition_end and not self._cases:
            self._state = CompoundBody._statement
            if token == "end":
                self._close()

    def _declaration(self, token: str, _position: int) -> None:
        handles = token in ("continue", "exit", "undo")
        self._state = CompoundBody._action if handles else CompoundBody._rest

    def _action(self, token: str, _position: int) -> None:
        self._expects_condition = True
        self._state = CompoundBody._handler if token == "handler" else CompoundBody._rest

    def _handler(self, token: str, position: int) -> None:
        if token == ",":
            self._expects_condition = True
        elif not self._expects_condition:
            self._statement(token, position)
        elif token not in HANDLED_BEFORE:
            self._expects_condition = False

    def _close(self) -> None:
        self._state = CompoundBody._rest
        if self._blocks:
            self._blocks.pop()


HEADERS = {
    "procedure": CompoundBody._parameters,
    "function": CompoundBody._returns,
    "trigger": CompoundBody._trigger,
    "event": CompoundBody._schedule,
}
ATOMIC_HEADER = re.compile(r"create( or replace)? (function|procedure)")
COMPOUND_HEADER = re.compile(
    r"create( or replace)?( definer( \S+)?)?( aggregate)? (procedure|function|trigger|event)"
    r"|alter( definer( \S+)?)? event"
    r"|begin not atomic|case|for|if|loop|repeat|while"
)


def body_of(words: list[str], position: int, dialect: Dialect) -> Body | None:
    """The body that a statement may have whose last word so far is one of `body_kinds`, if any.

    `position` is that of the last word.
    """
    header = " ".join(words)
    if dialect.compound_bodies:
        return CompoundBody(words[-1], position) if COMPOUND_HEADER.fullmatch(header) else None
    return AtomicBody() if ATOMIC_HEADER.fullmatch(header) else None
