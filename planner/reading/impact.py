"""What a statement costs those who use the database: the locks it takes and the work under them.

Reads no SQL: each engine weighs a reading by the tables that are there, the rules judge by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.reading.reading import Hold, Object, Reading
from lockgate.planner.value import frozen


@frozen
class Taken:
    """What goes along with what a statement drops. `table` is that of which it is a part, empty
    for what is by itself.

    >>> str(Taken("index", "by_b", "t")), str(Taken("view", "v")), str(Taken("rights", "b", "t"))
    ('the index by_b of t', 'the view v', 'the rights on t.b')
    """

    kind: str
    name: str
    table: str = ""

    def __str__(self) -> str:
        if self.kind in ("rights", "default", "column"):
            joint = {"rights": " on", "default": " of", "column": ""}[self.kind]
            return f"the {self.kind}{joint} {self.table}.{self.name}"
        of = f" of {self.table}" if self.table else ""
        return f"the {self.kind} {self.name}{of}"


Through = tuple[tuple[Object, Object], ...]
"""Views, each with a table whose rows are written by way of it."""


def lost_through(through: Through) -> Iterator[str]:
    """What tables lose where rows are deleted from a view, as nouns. One that only a condition of
    it names loses nothing: with several it is not known which these are.

    >>> [*lost_through(((Object("view", "v"), Object("table", "t")),))]
    ['rows of t (through the view v)']
    """
    for view, table in through:
        perhaps = "perhaps, " * (sum(one == view for one, _ in through) > 1)
        yield f"rows of {table.name} ({perhaps}through the view {view.name})"


@frozen
class Impact:
    """What one statement does to others, and what cannot be brought back, by what is known of the
    tables: the worst where nothing is."""

    reading: Reading
    holds: tuple[Hold, ...] = ()
    """Tables that it makes are not among them."""
    loses: tuple[str, ...] = ()
    """What is gone with its data, as nouns for the reviewer: `the table users`."""
    takes: tuple[Taken, ...] = ()
    """What goes with it that it does not name, in the order in which the server comes to it."""
    kept_by: tuple[Taken, ...] = ()
    """Why the server refuses it: what hangs on what it drops, without CASCADE."""
    fires: tuple[str, ...] = ()
    """Triggers and rules that run with it and were not read, as nouns."""
    through: Through = ()
    """Where it names a view, a table whose rows it writes by way of it."""

    @property
    def written(self) -> tuple[Object, ...]:
        """The tables whose rows it writes itself, in the place of a view those of it."""
        views = {view for view, _ in self.through}
        named = (one for one in self.reading.tables_written if one not in views)
        return tuple(dict.fromkeys([*named, *(table for _, table in self.through)]))
