"""What a statement costs those who use the database: the locks it takes and the work under them.

Reads no SQL and weighs nothing: the readers of each engine make it, the rules judge by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lockgate.planner.reading.reading import Object, Reading

# From the least to the most; who is shut out of reads is shut out of writes too.
Blocked = Literal["nothing", "writes", "reads"]
BLOCKED: tuple[Blocked, ...] = ("nothing", "writes", "reads")
# `scan` reads every row or builds an index, `rewrite` writes every row anew.
Work = Literal["none", "scan", "rewrite"]
WORKS: tuple[Work, ...] = ("none", "scan", "rewrite")


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock that a statement takes on a table or an index, and what it does under it.

    `lock` is as the server's manual spells it. `algorithm` is that of MySQL's online DDL, empty
    elsewhere. `certain` is false where the SQL alone does not tell, and the worst is told.
    """

    on: Object
    lock: str
    blocks: Blocked
    work: Work = "none"
    algorithm: str = ""
    certain: bool = True

    @property
    def is_long(self) -> bool:
        """Whether it is held while all rows are worked on, and others must wait for that."""
        return self.work != "none" and self.blocks != "nothing"

    def is_stronger(self, other: Hold) -> bool:
        """Whether it shuts more out."""
        return BLOCKED.index(self.blocks) > BLOCKED.index(other.blocks)


@dataclass(frozen=True, slots=True)
class Impact:
    """What one statement does to others, and what cannot be brought back."""

    effect: Reading
    kind: str = ""
    """What it is, in lower case: `alter table`."""
    holds: tuple[Hold, ...] = ()
    """Tables that it makes are not among them."""
    loses: tuple[str, ...] = ()
    """What is gone with its data, as nouns for the reviewer: `the table users`."""
    every_row: bool = False
    """It changes rows, and no condition says which."""
    queries: bool = False
    """It runs a query over rows of which no table's size tells the number. Told of PostgreSQL."""
    opaque: bool = False
    """It runs code that stands in a string or in the database, and is not read."""
    outside_only: bool = False
    """The server refuses it in a transaction block."""
    commits: bool = False
    """The server commits what was written before it."""
    explicit: bool = False
    """ALGORITHM or LOCK stands in it: the server refuses it rather than do worse."""

    @property
    def is_definition(self) -> bool:
        """Whether it is DDL: it changes what there is, and not only what stands in it."""
        return self.effect.verb in ("create", "alter", "drop", "rename")

    @property
    def is_destructive(self) -> bool:
        """Whether data is lost with it."""
        return bool(self.loses)
