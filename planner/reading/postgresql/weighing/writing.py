"""What a statement that writes rows does to other tables: those of views, and those that refer.

Reads no SQL. https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import ConstraintFacts, Facts, TableFacts
from lockgate.planner.reading.impact import lost_through
from lockgate.planner.reading.postgresql.locks import ACCESS_EXCLUSIVE, ROW_EXCLUSIVE
from lockgate.planner.reading.postgresql.weighing.firing import CHANGED, fired_by
from lockgate.planner.reading.postgresql.weighing.part import Part
from lockgate.planner.reading.postgresql.weighing.relations import (
    as_object,
    hold_all,
    key_of,
    layout_at,
    referring_to,
    written_under,
)
from lockgate.planner.reading.reading import Clause


def write_rows(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """INSERT, UPDATE, DELETE and MERGE: rows of other tables follow by their foreign keys, and
    those of a view are its tables'. Rows that are deleted are lost, whatever says which."""
    key = key_of(clause.table, facts)
    under = tuple(dict.fromkeys(written_under(key, facts)))
    bases = tuple(one for one in under if layout_at(one, facts).kind != "view")
    is_opaque = _is_opaque(clause, (key, *under), facts)
    through = () if is_opaque else tuple((clause.table, as_object(one, facts)) for one in bases)
    following = list(_following(clause, (key, *bases), facts))
    lost = [f"rows of {clause.table.name}"] if _deletes_some(clause) else []
    lost += lost_through(through) if "delete" in clause.words else ()
    lost += [_gone(one, by, facts) for one, by in following if _takes(clause, by)]
    holds = hold_all((*bases, *(one for one, _ in following)), ROW_EXCLUSIVE, facts)
    written = [(one, clause.words) for one in (key, *under)]
    written += [(one, CHANGED) for one, _ in following]
    return Part(
        others=holds,
        loses=tuple(dict.fromkeys(lost)),
        fires=fired_by(written, facts),
        through=through,
    )


def _is_opaque(clause: Clause, keys: tuple[str, ...], facts: Facts) -> bool:
    """Whether a trigger or a rule of a view may write other rows than its tables' in their place;
    what fires says so."""
    return any(
        one.enabled and clause.words & {*one.events}
        for key in keys
        if layout_at(key, facts).kind == "view"
        for one in layout_at(key, facts).fires.values()
    )


def _deletes_some(clause: Clause) -> bool:
    """Whether it deletes rows, and something says which: the loss of every row is read as such."""
    return "delete" in clause.words and "every row" not in clause.words


def _takes(clause: Clause, by: ConstraintFacts) -> bool:
    return "delete" in clause.words and "delete" in by.cascades


def _gone(key: str, by: ConstraintFacts, facts: Facts) -> str:
    """What a foreign key takes when rows of its parent are deleted, as a noun."""
    name, columns = as_object(key, facts).name, ", ".join(by.columns)
    if "empty" in by.cascades:
        return f"values of {name}.{columns} (ON DELETE SET NULL or DEFAULT)"
    return f"rows of {name} (ON DELETE CASCADE of {name}.{columns})"


def _following(
    clause: Clause, tables: tuple[str, ...], facts: Facts
) -> Iterator[tuple[str, ConstraintFacts]]:
    """The tables whose rows change with their parents' rows, and those whose change with these,
    each with the foreign key."""
    rest, seen = [*tables], set(tables)
    while rest:
        for one, constraint in referring_to(rest.pop(), facts):
            updates = "update" in clause.words and set(constraint.parent_columns) & set(
                clause.columns
            )
            if _takes(clause, constraint) or (updates and "update" in constraint.cascades):
                yield one, constraint
                rest += [one] if one not in seen else []
                seen.add(one)


def empty(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """TRUNCATE … CASCADE: all that refer to it, and what refers to those."""
    found, rest = list[str](), [key_of(clause.table, facts)]
    while rest:
        for one, _ in referring_to(rest.pop(), facts):
            if one not in found:
                found.append(one)
                rest.append(one)
    holds = hold_all(found, ACCESS_EXCLUSIVE, facts)
    return Part(others=holds, loses=tuple(f"every row of {one.on.name}" for one in holds))
