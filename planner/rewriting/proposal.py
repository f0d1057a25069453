"""What `migrate fix` says of one migration: the files that it would be, and what was seen of both.

A value for views; decides nothing.
"""

from __future__ import annotations

from lockgate.planner.plan.plan import Lock
from lockgate.planner.reading.reading import Hold
from lockgate.planner.rewriting.files import NewFile
from lockgate.planner.value import frozen


@frozen
class Cost:
    """What a statement was seen to lock, None where it could not be seen, and what it does to
    others as its server's manual says."""

    sql: str
    locks: tuple[Lock, ...] | None
    holds: tuple[Hold, ...]


@frozen
class NotOffered:
    """A statement that stays as it is, on this line of its file, and why."""

    line: int
    why: str


@frozen
class Proposal:
    """A migration's file as it is, and the files that do the same with less closed; none where
    nothing was proved. `rolled_back` says that the ways back were compared too."""

    before: NewFile
    files: tuple[NewFile, ...]
    costs_before: tuple[Cost, ...] = ()
    costs_after: tuple[Cost, ...] = ()
    not_offered: tuple[NotOffered, ...] = ()
    objects: int = 0
    rolled_back: bool = False
