"""What a statement costs those who use the database: the locks it takes and the work under them.

Reads no SQL: each engine weighs a reading by the tables that are there, the rules judge by it.
"""

from __future__ import annotations

from lockgate.planner.reading.reading import Hold, Reading
from lockgate.planner.value import frozen


@frozen
class Impact:
    """What one statement does to others, and what cannot be brought back, by what is known of the
    tables: the worst where nothing is."""

    reading: Reading
    holds: tuple[Hold, ...] = ()
    """Tables that it makes are not among them."""
    loses: tuple[str, ...] = ()
    """What is gone with its data, as nouns for the reviewer: `the table users`."""
