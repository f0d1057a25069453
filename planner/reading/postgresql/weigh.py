"""What a statement of PostgreSQL does to the tables that are there: locks, work, losses.

Reads no SQL. A clause that is not known counts as the strongest lock, as the manual says of most.
https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from lockgate.planner.database.facts import Facts, TableFacts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    STRENGTHS,
    hold,
)
from lockgate.planner.reading.postgresql.types import cuts_values, keeps_rows
from lockgate.planner.reading.reading import WORKS, Clause, Hold, Reading, Work
from lockgate.planner.reading.sizes import find_table

BUILDS = frozenset({"unique", "primary", "exclusion"})
SCANS = BUILDS | {"check", "not null"}


@dataclass(frozen=True, slots=True)
class Part:
    """What one clause needs of its table, and of `others`."""

    lock: str = ACCESS_EXCLUSIVE
    work: Work = "none"
    certain: bool = True
    others: tuple[Hold, ...] = ()
    loses: tuple[str, ...] = ()


BRIEF = Part()
SCAN = Part(work="scan")
REWRITE = Part(work="rewrite")
SETTING = Part(SHARE_UPDATE_EXCLUSIVE)
SWITCH = Part(SHARE_ROW_EXCLUSIVE)
Weigher = Callable[[Clause, TableFacts | None, Facts], Part]


def weigh(reading: Reading, facts: Facts) -> Impact:
    """The impact of a statement by what is known of the tables.

    One lock for all clauses of an ALTER TABLE, the strongest, is taken from the start.
    """
    if not reading.clauses:
        return Impact(reading, reading.holds, reading.loses)
    parts = [_weigh_clause(clause, facts) for clause in reading.clauses]
    others = tuple(each for part in parts for each in part.others)
    loses = tuple(each for part in parts for each in part.loses)
    own = (_merge(reading, parts),) if reading.verb == "alter" and _is_table(reading) else ()
    holds = tuple(dict.fromkeys([*own, *reading.holds, *others]))
    return Impact(reading, holds, tuple(dict.fromkeys([*reading.loses, *loses])))


def _is_table(reading: Reading) -> bool:
    return reading.kind not in ("alter type", "alter domain")


def _weigh_clause(clause: Clause, facts: Facts) -> Part:
    weigher = CLAUSES.get(clause.action)
    return weigher(clause, find_table(clause.table, facts), facts) if weigher else BRIEF


def _merge(reading: Reading, parts: Iterable[Part]) -> Hold:
    found = list(parts)
    lock = max((part.lock for part in found), key=STRENGTHS.__getitem__)
    work = max((part.work for part in found), key=WORKS.index)
    certain = any(part.certain for part in found if part.work == work)
    return hold(reading.objects[0], lock, work, certain=certain)


def _add_column(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    others = tuple(hold(one, SHARE_ROW_EXCLUSIVE) for one in clause.others)
    if clause.words & {"serial", "identity", "stored"}:
        return Part(work="rewrite", others=others)
    if clause.volatility in ("volatile", "unknown"):
        return Part(work="rewrite", certain=clause.volatility == "volatile", others=others)
    scans = clause.words & (BUILDS | {"check"})
    if clause.others and clause.volatility and "not enforced" not in clause.words:
        # Each row has a value to look for.
        return Part(work="scan", others=tuple(replace(one, work="scan") for one in others))
    return Part(work="scan" if scans else "none", others=others)


def _add_constraint(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    is_later = clause.words & {"not valid", "not enforced", "using index"}
    work: Work = "none" if is_later else "scan"
    if "foreign" in clause.words:
        others = tuple(hold(one, SHARE_ROW_EXCLUSIVE) for one in clause.others)
        return Part(SHARE_ROW_EXCLUSIVE, work, others=others)
    return Part(work=work)


def _drop_column(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    return Part(loses=(f"the column {clause.table.name}.{clause.name}",))


def _change_type(clause: Clause, table: TableFacts | None, _facts: Facts) -> Part:
    column = table.columns.get(clause.name) if table else None
    cuts = clause.words & {"cuts", "computes"} or (column and cuts_values(column.type, clause.type))
    lost = (f"values of the column {clause.table.name}.{clause.name}",) if cuts else ()
    if clause.words & {"using", "collate"} or column is None:
        return Part(work="rewrite", certain=column is not None, loses=lost)
    return replace(BRIEF if keeps_rows(column.type, clause.type) else REWRITE, loses=lost)


def _set_not_null(_clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    return SCAN


def _validate(_clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    return Part(SHARE_UPDATE_EXCLUSIVE, "scan")


def _attach(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    """The rows of the partition are checked, and only it is closed meanwhile."""
    others = tuple(hold(one, ACCESS_EXCLUSIVE, "scan") for one in clause.others)
    return Part(SHARE_UPDATE_EXCLUSIVE, others=others)


def _detach(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    lock = SHARE_UPDATE_EXCLUSIVE if "concurrent" in clause.words else ACCESS_EXCLUSIVE
    return Part(lock, others=tuple(hold(one, ACCESS_EXCLUSIVE) for one in clause.others))


def _finalize(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    others = tuple(hold(one, ACCESS_EXCLUSIVE) for one in clause.others)
    return Part(SHARE_UPDATE_EXCLUSIVE, others=others)


def _inherit(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    return Part(others=tuple(hold(one, SHARE_UPDATE_EXCLUSIVE) for one in clause.others))


def _always(part: Part) -> Weigher:
    return lambda _clause, _table, _facts: part


SETTINGS = (
    *("set rel options", "reset rel options", "set statistics", "set options", "reset options"),
    *("cluster on", "drop cluster"),
)
SWITCHES = (
    *("enable trig", "enable always trig", "enable replica trig", "disable trig"),
    *("enable trig all", "disable trig all", "enable trig user", "disable trig user"),
)
CLAUSES: dict[str, Weigher] = {
    **dict.fromkeys(SETTINGS, _always(SETTING)),
    **dict.fromkeys(SWITCHES, _always(SWITCH)),
    "add column": _add_column,
    "add constraint": _add_constraint,
    "add index constraint": _add_constraint,
    "add inherit": _inherit,
    "alter column type": _change_type,
    "attach partition": _attach,
    "detach partition": _detach,
    "detach partition finalize": _finalize,
    "drop column": _drop_column,
    "drop inherit": _inherit,
    "set access method": _always(REWRITE),
    "set expression": _always(REWRITE),
    "set logged": _always(REWRITE),
    "set not null": _set_not_null,
    # Where the table lies there already, nothing is done.
    "set table space": _always(Part(work="rewrite", certain=False)),
    "set un logged": _always(REWRITE),
    "validate constraint": _validate,
}
