"""The names that a text of SQL mentions, as a value; `mentions` reads them."""

from __future__ import annotations

from lockgate.planner.value import frozen


@frozen
class Mentions:
    """What one text mentions, in lower case."""

    names: frozenset[str] = frozenset()
    """Every word and quoted name of it, by itself."""
    calls: frozenset[str] = frozenset()
    """Whatever is called in it like a function, the server's own included."""
    sequences: frozenset[str] = frozenset()
    """Whose next value it takes or sets, with the schema where the text says it."""
    writes: frozenset[str] = frozenset()
    """By which statements it changes rows, or runs what may: `insert`, `call`."""

    def __or__(self, other: Mentions) -> Mentions:
        return Mentions(
            self.names | other.names,
            self.calls | other.calls,
            self.sequences | other.sequences,
            self.writes | other.writes,
        )
