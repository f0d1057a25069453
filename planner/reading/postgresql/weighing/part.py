"""What one clause of a statement needs of its table, and of others."""

from __future__ import annotations

from collections.abc import Callable

from lockgate.planner.database.facts import Facts, TableFacts
from lockgate.planner.reading.impact import Through
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
)
from lockgate.planner.reading.reading import Clause, Hold, Work
from lockgate.planner.value import frozen


@frozen
class Part:
    """The lock and the work on the clause's own table, the locks on `others`, and what is lost.

    `certain` is false where facts could show that there is less work. With `outside` the server
    refuses it in a transaction block. `others_if_rewritten` are in place of `others` where another
    clause writes the table's rows anyway. `through` are as those of an `Impact`.
    """

    lock: str = ACCESS_EXCLUSIVE
    work: Work = "none"
    certain: bool = True
    outside: bool = False
    others: tuple[Hold, ...] = ()
    others_if_rewritten: tuple[Hold, ...] = ()
    loses: tuple[str, ...] = ()
    fires: tuple[str, ...] = ()
    through: Through = ()


Weigher = Callable[[Clause, TableFacts | None, Facts], Part]

BRIEF = Part()
SCAN = Part(work="scan")
MAY_SCAN = Part(work="scan", certain=False)
REWRITE = Part(work="rewrite")
MAY_REWRITE = Part(work="rewrite", certain=False)
SETTING = Part(SHARE_UPDATE_EXCLUSIVE)
SWITCH = Part(SHARE_ROW_EXCLUSIVE)


def always(part: Part) -> Weigher:
    """For a clause whose work depends on nothing."""
    return lambda _clause, _table, _facts: part
