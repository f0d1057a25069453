"""What adding a column, and changing its type or whether it is required, does to its table.

Reads no SQL. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockgate.planner.database.facts import ColumnFacts, Facts, Layout, TableFacts
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    hold,
)
from lockgate.planner.reading.postgresql.types import (
    cuts_values,
    full_name,
    is_compared_alike,
    keeps_rows,
)
from lockgate.planner.reading.postgresql.weighing.dropping import find_types, with_column
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
)
from lockgate.planner.reading.reading import Clause, Hold, Object, Work

BUILDS = frozenset({"unique", "primary", "exclusion"})


def add(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """ADD COLUMN: rows are written where each gets a value of its own, or one that a domain has to
    take; they are read for what is to be true of them."""
    others = tuple(hold(one, SHARE_ROW_EXCLUSIVE) for one in clause.others)
    is_looked_up = "foreign" in clause.words
    looked_up = tuple(replace(one, work="scan") for one in others) if is_looked_up else others
    if clause.words & {"serial", "identity", "stored"} or _is_checked(clause.type, facts):
        return Part(work="rewrite", others=looked_up)
    if clause.volatility == "volatile" or set(clause.calls) & set(facts.volatile):
        return Part(work="rewrite", others=looked_up)
    if clause.volatility == "unknown" and not facts.tables:
        return Part(work="rewrite", certain=False, others=looked_up)
    if is_looked_up and clause.volatility:
        # Each row has a value to look for.
        return Part(work="scan", others=looked_up)
    return Part(work="scan" if clause.words & (BUILDS | {"check"}) else "none", others=others)


def drop(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """DROP COLUMN."""
    others, lost = with_column(clause, facts)
    return Part(others=others, loses=(f"the column {clause.table.name}.{clause.name}", *lost))


def require(clause: Clause, table: TableFacts | None, _facts: Facts) -> Part:
    """SET NOT NULL: no row is read where a constraint proves what it says."""
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
    old = _plain(column.type, column.made_of, facts) if column else ""
    cuts = clause.words & {"cuts", "computes"} or (column and cuts_values(old, clause.type))
    lost = (f"values of the column {clause.table.name}.{clause.name}",) if cuts else ()
    if column is None or table is None:
        return Part(work="rewrite", certain=False, loses=lost)
    if not _stays(column, old, clause, facts):
        others = tuple(_looked_up(clause, facts, "scan"))
        return Part(work="rewrite", others=others, loses=lost)
    layout = table.layout or Layout("")
    key = _find_type(clause.type, facts)
    is_alike = is_compared_alike(old, _printed(_plain(clause.type, key, facts), key, facts))
    is_sorted_alike = is_alike and "collate" not in clause.words
    is_built = not is_sorted_alike and clause.name in _indexed(layout, facts)
    is_read = is_built or _is_computed(clause.name, layout)
    looked_up = tuple(_looked_up(clause, facts, "scan"))
    kept = looked_up if not is_alike else tuple(_looked_up(clause, facts, "none"))
    return Part(work="scan" if is_read else "none", loses=lost, others=kept,
                others_if_rewritten=looked_up)  # fmt: skip


def _stays(column: ColumnFacts, old: str, clause: Clause, facts: Facts) -> bool:
    """Whether the rows can stay as they are."""
    if column.virtual:
        return True
    if "using" in clause.words or _is_checked(clause.type, facts):
        return False
    key = _find_type(clause.type, facts)
    if key and key == column.made_of and facts.types[key].kind != "domain":
        return column.type.endswith("[]") == clause.type.endswith("[]")
    new = _plain(clause.type, key, facts)
    if (old.split("(")[0], full_name(_printed(new, key, facts))) in facts.same:
        return True
    return keeps_rows(old, new, utc="any zone" not in clause.words)


def _looked_up(clause: Clause, facts: Facts, work: Work) -> Iterator[Hold]:
    """The tables of the foreign keys over a column, in both directions: they are made again."""
    column = frozenset({clause.name})
    key = key_of(clause.table, facts)
    for each in below(key, facts):
        layout = layout_at(each, facts)
        for one in layout.constraints.values():
            if one.kind == "foreign" and column & set(one.columns):
                yield from hold_all([one.parent], ACCESS_EXCLUSIVE, facts,
                                    "scan" if work == "scan" and one.valid else "none")  # fmt: skip
    for table, one in referring_to(key, facts, column):
        yield from hold_all([table], ACCESS_EXCLUSIVE, facts,
                            "scan" if work == "scan" and one.valid else "none")  # fmt: skip


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
    schema, _, bare = name.split("(")[0].removesuffix("[]").rpartition(".")
    return next(find_types(Object("type", bare, schema), facts), "")


def _is_checked(name: str, facts: Facts) -> bool:
    """Whether a type is a domain with constraints; of an array's elements none is there to take."""
    key = _find_type(name, facts)
    return bool(key) and facts.types[key].checked and not name.endswith("[]")


def _printed(name: str, key: str, facts: Facts) -> str:
    """A type of the database's own with its schema, as the server prints it."""
    known = facts.types.get(key)
    is_own = known is not None and known.kind != "domain"
    return f"{known.schema}.{name.rpartition('.')[2]}" if known and is_own else name


def _plain(name: str, key: str, facts: Facts) -> str:
    """A type, or what a domain is made of, as the server prints it."""
    known = facts.types.get(key)
    if known is None or known.kind != "domain" or name.endswith("[]"):
        return name
    return _plain(known.base, known.made_of, facts)
