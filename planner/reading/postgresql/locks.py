"""The table locks of PostgreSQL, what each one blocks, and how names are read there.

Knows no statement. https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.reading.reading import Blocked, Hold, Object, Work
from lockgate.planner.sql.cursor import Cursor

ROW_SHARE = "ROW SHARE"
ROW_EXCLUSIVE = "ROW EXCLUSIVE"
SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
SHARE = "SHARE"
SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
EXCLUSIVE = "EXCLUSIVE"
ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

# From the weakest to the strongest.
LOCKS: dict[str, Blocked] = {
    "ACCESS SHARE": "nothing",
    ROW_SHARE: "nothing",
    ROW_EXCLUSIVE: "nothing",
    SHARE_UPDATE_EXCLUSIVE: "nothing",
    SHARE: "writes",
    SHARE_ROW_EXCLUSIVE: "writes",
    EXCLUSIVE: "writes",
    ACCESS_EXCLUSIVE: "reads",
}
STRENGTHS = {lock: place for place, lock in enumerate(LOCKS)}


def hold(on: Object, lock: str, work: Work = "none", *, certain: bool = True) -> Hold:
    """A lock on a table, with what it blocks."""
    return Hold(on, lock, LOCKS[lock], work, certain=certain)


def read_name(cursor: Cursor) -> str:
    """The identifier that comes next, in lower case unless it is quoted."""
    quoted = cursor.peek().kind == "name"
    name = cursor.name()
    return name if quoted else name.lower()


def read_object(cursor: Cursor, kind: str = "table") -> Object:
    """The object that is named next: `ONLY public.users *`."""
    cursor.accept("only")
    first = read_name(cursor)
    found = Object(kind, read_name(cursor), first) if cursor.accept(".") else Object(kind, first)
    cursor.accept("*")
    return found


def read_objects(cursor: Cursor, kind: str = "table") -> tuple[Object, ...]:
    """The objects of a list without parentheses."""
    found = [read_object(cursor, kind)]
    while cursor.accept(","):
        found.append(read_object(cursor, kind))
    return tuple(one for one in found if one.name)


def read_parents(cursor: Cursor) -> Iterator[Hold]:
    """The locks on the tables that REFERENCES names ahead; nothing is passed.

    Adding a foreign key puts triggers on both tables:
    https://www.postgresql.org/docs/current/sql-altertable.html
    """
    tokens = list(cursor.rest())
    for place, token in enumerate(tokens):
        if token.word == "references":
            following = Cursor(tuple(tokens[place + 1 :]), "")
            yield hold(read_object(following), SHARE_ROW_EXCLUSIVE)
