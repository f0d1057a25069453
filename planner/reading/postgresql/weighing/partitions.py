"""What attaching, detaching and making a partition locks and reads, by the facts.

Reads no SQL. https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from __future__ import annotations

from lockgate.planner.database.facts import Facts, Layout, TableFacts
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    hold,
)
from lockgate.planner.reading.postgresql.weighing.part import Part
from lockgate.planner.reading.postgresql.weighing.proofs import is_excluded, is_inside
from lockgate.planner.reading.postgresql.weighing.relations import (
    hold_all,
    layout_at,
    parents_of,
)
from lockgate.planner.reading.reading import Clause, Hold, Object
from lockgate.planner.reading.sizes import find_table


def attach(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """ATTACH PARTITION: rows that no CHECK proves to fit are read, those of the default partition
    too, and the indexes of the whole that the partition lacks are built."""
    whole = (table and table.layout) or Layout("")
    others = tuple(_closed(one, clause, table, facts) for one in clause.others)
    return Part(SHARE_UPDATE_EXCLUSIVE, others=(*others, *_around(whole, clause.bound, facts)))


def add(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """CREATE TABLE … PARTITION OF."""
    whole = (table and table.layout) or Layout("")
    return Part(others=_around(whole, clause.bound, facts))


def detach(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """DETACH PARTITION."""
    is_concurrent = "concurrent" in clause.words
    lock = SHARE_UPDATE_EXCLUSIVE if is_concurrent else ACCESS_EXCLUSIVE
    whole = (table and table.layout) or Layout("")
    others = tuple(hold(one, ACCESS_EXCLUSIVE) for one in clause.others)
    default = () if is_concurrent else hold_all([whole.default], ACCESS_EXCLUSIVE, facts)
    parents = hold_all(parents_of(whole), SHARE_ROW_EXCLUSIVE, facts)
    return Part(lock, others=(*others, *default, *parents, *_referring(whole, facts)))


def finalize(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    """DETACH PARTITION … FINALIZE."""
    others = tuple(hold(one, ACCESS_EXCLUSIVE) for one in clause.others)
    return Part(SHARE_UPDATE_EXCLUSIVE, others=others)


def _closed(one: Object, clause: Clause, table: TableFacts | None, facts: Facts) -> Hold:
    """The lock on what becomes a partition, with the work under it."""
    part, whole = find_table(one, facts), table.layout if table else None
    if part is None or part.layout is None or whole is None:
        return hold(one, ACCESS_EXCLUSIVE, "scan", certain=False)
    is_read = not is_inside(part, whole, clause.bound) or _lacks_index(whole, part.layout, facts)
    return hold(one, ACCESS_EXCLUSIVE, "scan" if is_read else "none")


def _around(whole: Layout, bound: tuple[str, ...], facts: Facts) -> tuple[Hold, ...]:
    """The default partition, whose rows may belong to the new one, and the tables of foreign keys
    in both directions."""
    default = () if bound == ("default",) else _default(whole, bound, facts)
    keys = hold_all(parents_of(whole), SHARE_ROW_EXCLUSIVE, facts)
    return (*default, *keys, *_referring(whole, facts))


def _default(whole: Layout, bound: tuple[str, ...], facts: Facts) -> tuple[Hold, ...]:
    known = facts.tables.get(whole.default)
    is_read = known is None or not is_excluded(known, whole, bound)
    return hold_all([whole.default], ACCESS_EXCLUSIVE, facts, "scan" if is_read else "none")


def _referring(whole: Layout, facts: Facts) -> tuple[Hold, ...]:
    return hold_all(whole.referrers, SHARE_ROW_EXCLUSIVE, facts)


def _lacks_index(whole: Layout, part: Layout, facts: Facts) -> bool:
    has = {layout_at(one, facts).definition for one in part.indexes}
    return any(layout_at(one, facts).definition not in has for one in whole.indexes)
