"""What a statement costs those who use the database: the locks it takes and the work under them.

Reads no SQL: each engine weighs a reading by the tables that are there, the rules judge by it.
"""

from __future__ import annotations

from lockgate.planner.reading.reading import Hold, Reading
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
