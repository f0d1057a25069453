"""What adding a column, and changing its type or whether it is required, does to its table.

Reads no SQL. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lockgate.planner.database.facts import ColumnFacts, Facts, Layout, TableFacts
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    hold,
)
from lockgate.planner.reading.postgresql.types import (
    cuts_by_cast,
    cuts_values,
    full_name,
    is_compared_alike,
    is_spelled,
    keeps_rows,
)
from lockgate.planner.reading.postgresql.weighing.dropping import with_column
from lockgate.planner.reading.postgresql.weighing.part import (
    BRIEF,
    MAY_REWRITE,
    MAY_SCAN,
    REWRITE,
    SCAN,
    Part,
)
from lockgate.planner.reading.postgresql.weighing.proofs import is_required
from lockgate.planner.reading.postgresql.weighing.relations import (
    below,
    hold_all,
    key_of,
    layout_at,
    referring_to,
    spelled,
)
from lockgate.planner.reading.postgresql.weighing.taking import find_types
from lockgate.planner.reading.reading import Clause, Hold, Object, Work
from lockgate.planner.value import frozen, replace

BUILDS = frozenset({"unique", "primary", "exclusion"})


def add(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """ADD COLUMN: rows are written where each gets a value of its own, or one that a domain has to
    take; they are read for what is to be true of them."""
    others = tuple(hold(one, SHARE_ROW_EXCLUSIVE) for one in clause.others)
    is_looked_up = "foreign" in clause.words
    looked_up = tuple(replace(one, work="scan") for one in others) if is_looked_up else others
    if clause.words & {"serial", "identity", "stored"} or _is_checked(
        Type(clause.type, _find_type(clause.type, facts)), facts
    ):
        return Part(work="rewrite", others=looked_up)
    if clause.volatility == "volatile" or set(clause.calls) & set(facts.volatile):
        return Part(work="rewrite", others=looked_up)
    if clause.volatility == "unknown" and not facts.tables:
        return Part(work="rewrite", certain=False, others=looked_up)
    if is_looked_up and clause.volatility:
        # Each row has a value to look for.
        return Part(work="scan", others=looked_up)
    # What a virtual one computes is not stored, so that it is not NULL is to be seen.
    is_read = clause.words & (BUILDS | {"check"}) or {"generated", "not null"} <= clause.words
    return Part(work="scan" if is_read else "none", others=others)


def drop(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """DROP COLUMN."""
    lost = f"the column {clause.table.name}.{clause.name}"
    return Part(others=with_column(clause, facts), loses=(lost,))


def require(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """SET NOT NULL: no row is read where a constraint proves what it says."""
    proofs = (one for (name, _), one in facts.proofs.items() if name == spelled(clause.table))
    if table is None and any(is_valid and clause.name in columns for columns, is_valid in proofs):
        return BRIEF
    if table is None or clause.name not in table.columns:
        return MAY_SCAN
    return BRIEF if is_required(table, clause.name) else SCAN


def set_expression(clause: Clause, table: TableFacts | None, _facts: Facts) -> Part:
    """SET EXPRESSION: values that are not stored are not written."""
    known = table.columns.get(clause.name) if table else None
    if known is None:
        return MAY_REWRITE
    return BRIEF if known.virtual else REWRITE


def change_type(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """ALTER COLUMN … TYPE: where the rows can stay as they are, constraints and indexes that
    compute with the column are still checked and built again."""
    column = table.columns.get(clause.name) if table else None
    old = Type(column.type, column.made_of) if column else Type("")
    through = [Type(one, _find_type(one, facts)) for one in (*clause.casts, clause.type)]
    is_cut = "computes" in clause.words or _cuts(old, through, facts)
    lost = (_lost(clause, column),) if is_cut else ()
    if column is None:
        return Part(work="rewrite", certain=False, loses=lost)
    if not _stays(column, through, clause, facts):
        others = tuple(_looked_up(clause, facts, "scan", "scan"))
        return Part(work="rewrite", others=others, loses=lost)
    before, after = _printed(_plain(old, facts), facts), _printed(_plain(through[-1], facts), facts)
    is_alike = is_compared_alike(before, after)
    is_read = any(
        _is_read(clause, layout_at(each, facts), facts, is_alike=is_alike)
        for each in below(key_of(clause.table, facts), facts)
    )
    is_same = bool({(before, after), (after, before)} & set(facts.same))
    kept = _looked_up(clause, facts, "none" if is_alike or is_same else "scan",
                      "none" if is_alike else "scan")  # fmt: skip
    return Part(work="scan" if is_read else "none", loses=lost, others=tuple(kept),
                others_if_rewritten=tuple(_looked_up(clause, facts, "scan", "scan")))  # fmt: skip


def _lost(clause: Clause, column: ColumnFacts | None) -> str:
    """What a new type takes, as a noun: with both types where the old one is known."""
    noun = f"values of the column {clause.table.name}.{clause.name}"
    return f"{noun}: {column.type} → {clause.type}" if column else noun


@frozen
class Type:
    """A type as a statement or the server spells it, and its key in the facts if it is not one of
    the server's own."""

    name: str
    key: str = ""


def _cuts(old: Type, through: Sequence[Type], facts: Facts) -> bool:
    """Whether a value may lose a part on its way through casts to the type that is assigned; a text
    comes back otherwise from a type that is none."""
    first, *casts, last = [_plain(one, facts).name for one in (old, *through)]
    is_respelled = is_spelled(first) and is_spelled(last) and not all(map(is_spelled, casts))
    way = [first, *casts]
    is_cut = any(cuts_by_cast(one, other) for one, other in pairwise(way))
    return is_respelled or is_cut or cuts_values(way[-1], last) or cuts_values(first, last)


def _stays(column: ColumnFacts, through: Sequence[Type], clause: Clause, facts: Facts) -> bool:
    """Whether the rows can stay as they are: each cast leaves the bytes alone.

    https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/commands/tablecmds.c has it
    as ATColumnChangeRequiresRewrite.
    """
    if column.virtual:
        return True
    steps = pairwise([Type(column.type, column.made_of), *through])
    is_utc = "any zone" not in clause.words
    return "computes" not in clause.words and all(
        _keeps_bytes(one, other, facts, is_utc) for one, other in steps
    )


def _keeps_bytes(old: Type, new: Type, facts: Facts, is_utc: bool) -> bool:
    if old.key and old.key == new.key:
        return _form(old.name) == _form(new.name)
    if _is_checked(new, facts):
        return False
    before, after = _printed(_plain(old, facts), facts), _printed(_plain(new, facts), facts)
    is_same = (before.split("(")[0], full_name(after)) in facts.same
    return is_same or keeps_rows(before, after, utc=is_utc)


def _form(name: str) -> str:
    """What follows a type's name: a limit, brackets."""
    return name[len(name.split("(")[0].rstrip("[]")) :]


def _is_read(clause: Clause, layout: Layout, facts: Facts, *, is_alike: bool) -> bool:
    """Whether an index over the column is built again, or a CHECK proved again: what computes with
    it always, and of a partitioned table every index, whose parts are made from new ones."""
    is_kept = is_alike and "collate" not in clause.words and layout.kind != "partitioned"
    is_built = not is_kept and clause.name in _indexed(layout, facts)
    return is_built or _is_computed(clause.name, layout)


def _looked_up(clause: Clause, facts: Facts, own: Work, others: Work) -> Iterator[Hold]:
    """The tables of the foreign keys over a column, its table's own and those of others: they are
    made again. Of one that is not enforced the parent has no trigger that is taken away."""
    column = frozenset({clause.name})
    key = key_of(clause.table, facts)
    for each in below(key, facts):
        layout = layout_at(each, facts)
        for one in layout.constraints.values():
            if one.kind == "foreign" and column & set(one.columns):
                lock = ACCESS_EXCLUSIVE if one.enforced else SHARE_ROW_EXCLUSIVE
                yield from hold_all([one.parent], lock, facts, own if one.valid else "none")
    for table, one in referring_to(key, facts, column):
        yield from hold_all([table], ACCESS_EXCLUSIVE, facts, others if one.valid else "none")


def _is_computed(column: str, layout: Layout) -> bool:
    """Whether a CHECK or an index computes with a column, and is proved or built again with it."""
    return column in layout.computed or any(
        one.kind == "check" and one.valid and one.enforced and column in one.columns
        for one in layout.constraints.values()
    )


def _indexed(layout: Layout, facts: Facts) -> set[str]:
    return {column for one in layout.indexes for column in layout_at(one, facts).keys}


def _find_type(name: str, facts: Facts) -> str:
    """The key of a type as a statement names it; empty for one of the server's own."""
    schema, _, bare = name.split("(")[0].rstrip("[]").rpartition(".")
    return next(find_types(Object("type", bare, schema), facts), "")


def _is_checked(one: Type, facts: Facts) -> bool:
    """Whether a type is a domain with constraints; of an array's elements none is there to take."""
    return bool(one.key) and facts.types[one.key].checked and not one.name.endswith("[]")


def _printed(one: Type, facts: Facts) -> str:
    """A type of the database's own with its schema, as the server prints it."""
    known = facts.types.get(one.key)
    is_own = known is not None and known.kind != "domain"
    return f"{known.schema}.{one.name.rpartition('.')[2]}" if known and is_own else one.name


def _plain(one: Type, facts: Facts) -> Type:
    """A type, or what a domain is made of, as the server prints it."""
    known = facts.types.get(one.key)
    if known is None or known.kind != "domain" or one.name.endswith("[]"):
        return one
    return _plain(Type(known.base, known.made_of), facts)
