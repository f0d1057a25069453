"""`{{lo}}` and `{{hi}}`, the bounds of a batch in its statement: where they are, and after what.

Each is in a comparison that takes every key once: `key > {{lo}}` and `key <= {{hi}}`. Puts no
value in: what travels beside the SQL is the executor's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from lockgate.planner.sql.cursor import Token, each_token
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import frozen

BoundName = Literal["lo", "hi", "above"]
"""`above` is the `>` before a `{{lo}}`: of the first batch, which has no key before it, it is `>=`
with the first key that there is."""

ANY = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_.]*)[ \t]*\}\}")
OPERATORS = {"lo": ">", "hi": "<="}


@frozen
class Bound:
    """A place in a statement, in characters from 0; `end` is the first after it."""

    name: BoundName
    start: int
    end: int


@frozen
class Misplaced:
    """A misplaced bound, at a character of the statement: why it may not be there, as a clause,
    and what to do."""

    what: str
    start: int
    do: str
    is_text: bool = False
    """It is in a string or a comment, where it means nothing."""


def find_slots(sql: str, dialect: Dialect) -> list[Bound | Misplaced]:
    """The bounds in a statement in the order of its text, with the operators before them.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> sql = "delete from t where id > {{lo}} and id <= {{hi}}"
    >>> [sql[one.start : one.end] for one in find_slots(sql, POSTGRESQL)]
    ['>', '{{lo}}', '{{hi}}']
    >>> find_slots("delete from t where id >= {{lo}}", POSTGRESQL)[0].what
    '`{{lo}}` is after `>=`'
    """
    tokens = tuple(each_token(sql, dialect)) if "{{" in sql else ()
    return [found for match in ANY.finditer(sql) for found in _slots(match, tokens)]


def has_bounds(sql: str, dialect: Dialect) -> bool:
    """Whether a bound is in it that is not in a string or a comment."""
    found = find_slots(sql, dialect)
    return any(isinstance(one, Bound) or not one.is_text for one in found)


def readable(sql: str, dialect: Dialect) -> str:
    """The statement with parameters in the place of its bounds, of the same length: the server's
    grammar takes these, and its errors name the same place."""
    if "{{" not in sql:
        return sql
    parts, end = [], 0
    for slot in find_slots(sql, dialect):
        if isinstance(slot, Misplaced) or slot.name == "above":
            continue
        number = "$1" if slot.name == "lo" else "$2"
        parts += [sql[end : slot.start], number.ljust(slot.end - slot.start)]
        end = slot.end
    return "".join((*parts, sql[end:]))


def _slots(match: re.Match[str], tokens: Sequence[Token]) -> Iterator[Bound | Misplaced]:
    place = next((n for n, one in enumerate(tokens) if one.start == match.start(1)), None)
    shown, name = f"`{match[0]}`", match[1]
    if place is None:
        yield Misplaced(
            f"{shown} is in a string or a comment",
            match.start(),
            "Write it by itself: its value is sent with its own type.",
            is_text=True,
        )
        return
    if name not in OPERATORS:
        yield Misplaced(f"{shown} is no bound", match.start(), "Write {{lo}} and {{hi}}.")
        return
    before = place - 2
    if before >= 0 and tokens[before].text == "(":
        before -= 1
    operator = tokens[before] if before >= 0 else None
    wanted = OPERATORS[name]
    if operator is None or operator.text != wanted:
        after = f"after `{operator.text}`" if operator else "where no comparison is"
        yield Misplaced(
            f"{shown} is {after}",
            match.start(),
            "Write `key > {{lo}} and key <= {{hi}}`: so each row is in one batch.",
        )
        return
    if name == "lo":
        yield Bound("above", operator.start, operator.end)
    yield Bound("lo" if name == "lo" else "hi", match.start(), match.end())
