"""Which functions a text calls that are not the server's own: those of the database.

Names of the server's own are in `functions`, a file for each engine. A name that the database
has given to another function too (an overload of `lower`) is taken for the server's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.reading.stored import BEFORE_COLUMNS, SERVER_SCHEMAS
from lockgate.planner.sql.cursor import END, Token

if TYPE_CHECKING:
    from lockgate.planner.reading.reading import Reading

FUNCTIONS = Path(__file__).parent / "functions"
ROUTINES = ("function", "procedure")


@cache
def server_functions(engine: str) -> frozenset[str]:
    """The names of the server's own functions, in lower case."""
    return _listed(engine)


@cache
def clause_words(engine: str) -> frozenset[str]:
    """Words that may come before a parenthesis and call nothing: without quotes no function has
    these names, but for some words of PL/pgSQL and of clauses, which one could have."""
    return _listed(f"{engine}-words")


def _listed(name: str) -> frozenset[str]:
    return frozenset((FUNCTIONS / f"{name}.txt").read_text("utf-8").split())


def are_servers_own(calls: Iterable[str], engine: str) -> bool:
    """Whether the server itself has all that these names call."""
    return (server_functions(engine) | clause_words(engine)).issuperset(calls)


def own_calls(found: Sequence[Token], engine: str) -> frozenset[str]:
    """The functions of the database that this code calls, and the procedures, by their names
    alone, in lower case.

    >>> from lockgate.planner.sql.cursor import read_tokens
    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> sql = "insert into t (a) select f(lower(b)), a.g() from u"
    >>> sorted(own_calls(list(read_tokens(sql, MYSQL).rest()), "mysql"))
    ['f', 'g']
    """
    return frozenset(_own_calls(found, engine))


def _own_calls(found: Sequence[Token], engine: str) -> Iterator[str]:
    known, clauses = server_functions(engine), clause_words(engine)
    ends = _ends(found)
    columns = BEFORE_COLUMNS
    if not any(one.word == "create" for one in found):
        columns = columns - {"on", "index", "type", "view"}
    for place, after in enumerate(found[1:], 1):
        token = found[place - 1]
        if token.word == "call":
            yield from _called(found[place : place + 5])
        if after.text != "(" or token.kind not in ("word", "name"):
            continue
        before = found[place - 2] if place > 1 else END
        name = token.word or token.name.lower()
        if before.text == "." and place > 2:
            schema, before = found[place - 3], found[place - 4] if place > 3 else END
            if schema.name.lower() in SERVER_SCHEMAS:
                continue
        elif name in known or (token.kind == "word" and name in clauses):
            continue
        # A table with its columns, or the name of a subquery with those of its own.
        is_named = before.word in columns or before.word in (
            "as",
            "with",
            "recursive",
            "function",
            "procedure",
            "key",
            "constraint",
        )
        if not is_named and before.text != ")" and not _is_subquery(found, ends[place]):
            yield name


def _called(after: Sequence[Token]) -> Iterator[str]:
    """The name after CALL, of which its schema may come first."""
    names = [one for one in after[:1] if one.kind in ("word", "name")]
    if [one.text for one in after[1:2]] == ["."]:
        names = list(after[2:3])
    yield from (one.word or one.name.lower() for one in names)


def _ends(found: Sequence[Token]) -> dict[int, int]:
    """Where each parenthesis is closed."""
    ends, opened = {}, []
    for place, token in enumerate(found):
        if token.text == "(":
            opened.append(place)
            ends[place] = len(found)
        elif token.text == ")" and opened:
            ends[opened.pop()] = place
    return ends


def _is_subquery(found: Sequence[Token], end: int) -> bool:
    """Whether `AS (` follows the parenthesis that ends there."""
    after = [one.word or one.text for one in found[end + 1 : end + 3]]
    return after[:1] == ["as"] and after[1:] in (["("], ["materialized"], ["not"])


class Routines:
    """The functions and procedures that a plan makes, statement by statement, as far as they take
    rows away when they are called: by their names alone, whatever their arguments are."""

    def __init__(self) -> None:
        self._takers: set[str] = set()
        self._told: set[str] = set()
        self._callers: dict[str, set[str]] = {}

    def follow(self, reading: Reading) -> tuple[str, ...]:
        """What a statement loses by what it calls, as nouns for the reviewer."""
        made = [one.name.lower() for one in reading.objects if one.kind in ROUTINES]
        if reading.verb == "create" and made:
            if reading.loses:
                self._told.update(made)
            self._make(made[0], reading)
            return ()
        called = sorted({one.lower() for one in reading.calls_own} & self._takers)
        if reading.trigger_table or reading.kind == "create trigger":
            called = [one for one in called if one not in self._told]
        return tuple(f"what {name} takes away, which it calls" for name in called)

    def _make(self, name: str, reading: Reading) -> None:
        for one in reading.calls_own:
            self._callers.setdefault(one.lower(), set()).add(name)
        rest = [name] if reading.takes_when_called or self._calls_taker(reading) else []
        while rest:
            one = rest.pop()
            if one not in self._takers:
                self._takers.add(one)
                rest.extend(self._callers.get(one, ()))

    def _calls_taker(self, reading: Reading) -> bool:
        return any(one.lower() in self._takers for one in reading.calls_own)
