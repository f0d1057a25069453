"""Locks that earlier statements of a transaction still hold when a statement begins.

Kept while the statements are followed in order: of each one only what a reviewer sees is copied,
so that a plan of many steps costs no more for each of them.
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from lockgate.planner.reading.reading import Blocked, Hold, Object
from lockgate.planner.value import frozen, replace

NAMED = 3  # locks; the rest are counted


@frozen
class Held:
    """A lock that shuts others out until the transaction ends, and what has taken it: `statement 2`
    of the section, or the file of a step before."""

    hold: Hold
    by: str


@frozen
class HeldLocks:
    """How many locks shut others out when a statement begins, the first of them, and what others
    wait with; tables that the statement keeps closed for long by itself are left out."""

    count: int = 0
    first: tuple[Held, ...] = ()
    blocks: Blocked = "nothing"


NONE = HeldLocks()


class LocksInForce:
    """The strongest lock on each table, as the statements of a transaction take and end them."""

    def __init__(self) -> None:
        self._held: dict[Object, Held] = {}
        self._named: dict[str, set[Object]] = {}
        self._closed_to_reads: set[Object] = set()
        self._of_section: list[Object] = []

    def take(self, hold: Hold, by: str) -> None:
        """Notes a lock, unless one as strong is held on the same table."""
        known = self._held.get(hold.on)
        if known is not None and not hold.is_stronger(known.hold):
            return
        self._held[hold.on] = Held(hold, by)
        self._named.setdefault(hold.on.name, set()).add(hold.on)
        self._of_section.append(hold.on)
        if hold.blocks == "reads":
            self._closed_to_reads.add(hold.on)

    def end(self, on: Object) -> None:
        """Forgets a table that was dropped."""
        if self._held.pop(on, None):
            self._named[on.name].discard(on)
            self._closed_to_reads.discard(on)

    def end_section(self, by: str) -> None:
        """Tells what this section has taken by the section's name from now on."""
        for on in self._of_section:
            if on in self._held:
                self._held[on] = replace(self._held[on], by=by)
        self._of_section.clear()

    def apart_from(self, holds: Iterable[Hold]) -> HeldLocks:
        """What is held, without what a statement that takes these locks says by itself."""
        if not self._held:
            return NONE
        covered = {on for hold in holds for on in self._covered_by(hold)}
        count = len(self._held) - len(covered)
        first = islice((held for on, held in self._held.items() if on not in covered), NAMED)
        shuts_reads = len(self._closed_to_reads) > len(covered & self._closed_to_reads)
        return HeldLocks(count, tuple(first), "reads" if shuts_reads else "writes")

    def _covered_by(self, hold: Hold) -> Iterator[Object]:
        for on in self._named.get(hold.on.name, ()) if hold.is_long else ():
            if may_be(hold.on, on) and not self._held[on].hold.is_stronger(hold):
                yield on


def as_relation(one: Object) -> Object:
    """A materialized view as a table: statements that name either do not tell which."""
    return replace(one, kind="table") if one.kind == "materialized view" else one


def may_be(one: Object, other: Object) -> bool:
    """Whether both names may be those of one relation: one without a schema may be of any.

    >>> may_be(Object("table", "t", "public"), Object("table", "t"))
    True
    >>> may_be(Object("table", "t", "public"), Object("table", "t", "archive"))
    False
    """
    if one.name != other.name or as_relation(one).kind != as_relation(other).kind:
        return False
    return one.schema == other.schema or not (one.schema and other.schema)
