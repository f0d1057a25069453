"""What a copy by a program means for a reviewer: its call, and what is there if it stops."""

from __future__ import annotations

from lockgate.planner.plan.statement import Online, PlannedStatement
from lockgate.planner.quantities import format_size

STOPS = (
    "if it stops, the table is as it was or as it is to be, a look at it tells which, and "
    "`migrate resolve` removes what the program has left"
)


def describe_copy(online: Online, statement: PlannedStatement) -> str:
    """How a program does a statement, as clauses.

    >>> from lockgate.planner.plan.statement import Named
    >>> online = Online(tool="pt-osc", table=Named(kind="table", name="t"),
    ...                 arguments=("--alter=force", "--execute"), version="3.2.1")
    >>> told = describe_copy(online, PlannedStatement(line=1, sql="", digest="0" * 64,
    ...                                               guarantee="point-of-no-return"))
    >>> told.partition("; others")[0]
    'pt-osc 3.2.1 copies t: --alter=force --execute'
    """
    size = next((one.bytes for one in statement.touches if one.bytes is not None), None)
    disk = "the table's size" if size is None else f"about {format_size(size)}"
    return "; ".join(
        (
            f"{online.tool} {online.version}".rstrip()
            + f" copies {online.table.name}: {' '.join(online.arguments)}",
            "others wait only while the copy takes the table's place",
            f"it needs {disk} on disk again",
            STOPS,
        )
    )
