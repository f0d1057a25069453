"""What a statement that writes rows does to other tables: those of views, and those that refer.

Reads no SQL. https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from lockgate.planner.database.facts import ConstraintFacts, Facts, TableFacts
from lockgate.planner.reading.impact import lost_through
from lockgate.planner.reading.postgresql.locks import ACCESS_EXCLUSIVE, ROW_EXCLUSIVE
from lockgate.planner.reading.postgresql.weighing.firing import fired_by
from lockgate.planner.reading.postgresql.weighing.part import Part
from lockgate.planner.reading.postgresql.weighing.relations import (
    as_object,
    hold_all,
    inheriting,
    key_of,
    layout_at,
    referring_to,
    written_under,
)
from lockgate.planner.reading.reading import Clause
from lockgate.planner.value import frozen

_Way = Literal["delete", "update", "empty"]
"""How rows change: `empty` is an update that leaves a column without its value."""
DIRECT: tuple[_Way, ...] = ("delete", "update")
"""What a statement does itself."""


@frozen
class _Follower:
    """A table whose rows change by a foreign key of it, and after which change of their parents."""

    key: str
    by: ConstraintFacts
    way: _Way
    after: _Way

    @property
    def events(self) -> frozenset[str]:
        """For which its triggers run."""
        return frozenset({"delete" if self.way == "delete" else "update"})


def write_rows(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """INSERT, UPDATE, DELETE and MERGE: rows of other tables follow by their foreign keys, and
    those of a view are its tables'. Rows that are deleted are lost, whatever says which."""
    key = key_of(clause.table, facts)
    under = tuple(dict.fromkeys(written_under(key, facts)))
    bases = tuple(one for one in under if layout_at(one, facts).kind != "view")
    is_opaque = _is_opaque(clause, (key, *under), facts)
    through = () if is_opaque else tuple((clause.table, as_object(one, facts)) for one in bases)
    following = list(_following(clause, (key, *bases), facts))
    heirs = _heirs(key, bases, clause, facts)
    lost = [f"rows of {clause.table.name}"] if _deletes_some(clause) else []
    lost += lost_through(through) if "delete" in clause.words else ()
    if "delete" in clause.words and not is_opaque:
        lost += _lost_by_heirs(heirs, facts, "rows" if lost else "every row")
    lost += filter(None, (_gone(one, facts) for one in following))
    locked = (*bases, *heirs, *(one.key for one in following))
    holds = hold_all(locked, ROW_EXCLUSIVE, facts)
    written = [(one, clause.words) for one in (key, *under)]
    written += [(one.key, one.events) for one in following]
    return Part(
        others=holds,
        loses=tuple(dict.fromkeys(lost)),
        fires=fired_by(written, facts),
        through=through,
    )


def _heirs(key: str, bases: tuple[str, ...], clause: Clause, facts: Facts) -> Mapping[str, str]:
    """What inherits from the tables that are written, apart from partitions, each with the table
    that it follows: no INSERT goes there, nor what names its table with ONLY."""
    if "insert" in clause.words and "merge" not in clause.words:
        return {}
    found = [*bases] if "only" in clause.words else [key, *bases]
    return {heir: parent for parent in found for heir in inheriting(parent, facts)}


def _lost_by_heirs(heirs: Mapping[str, str], facts: Facts, rows: str) -> Iterator[str]:
    for heir, parent in heirs.items():
        name, above = (as_object(one, facts).name for one in (heir, parent))
        yield f"{rows} of {name} (inherits from {above})"


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


def _gone(one: _Follower, facts: Facts) -> str:
    """What a foreign key takes from the rows that follow, as a noun; empty: nothing."""
    name, columns = as_object(one.key, facts).name, ", ".join(one.by.columns)
    if one.way == "delete":
        return f"rows of {name} (ON DELETE CASCADE of {name}.{columns})"
    if one.way == "update":
        return ""
    cause = {"delete": "DELETE SET NULL or DEFAULT", "empty": "UPDATE CASCADE"}.get(one.after, "")
    if "empty on update" in one.by.cascades and one.after != "delete":
        cause = "UPDATE SET NULL or DEFAULT"
    return f"values of {name}.{columns} (ON {cause})"


def _following(clause: Clause, tables: tuple[str, ...], facts: Facts) -> Iterator[_Follower]:
    """The tables whose rows change with their parents' rows, and those whose change with these."""
    ways = [way for way in DIRECT if way in clause.words]
    rest: list[tuple[str, _Way, frozenset[str]]] = [
        (key, way, _columns_set(clause, key, facts)) for key in tables for way in ways
    ]
    seen = set(rest)
    while rest:
        parent, after, columns = rest.pop()
        for key, by in referring_to(parent, facts):
            way = _way(by, after, columns)
            if way is None:
                continue
            yield _Follower(key, by, way, after)
            change = (key, way, frozenset(() if way == "delete" else by.columns))
            if change not in seen:
                seen.add(change)
                rest.append(change)


def _columns_set(clause: Clause, key: str, facts: Facts) -> frozenset[str]:
    """The columns of a table that are set; any, where a view gives one of them another name."""
    named = frozenset(clause.columns)
    known = frozenset(facts.tables[key].columns) if key in facts.tables else frozenset[str]()
    is_renamed = key != key_of(clause.table, facts) and not named <= known
    return named | known if is_renamed else named


def _way(by: ConstraintFacts, after: _Way, columns: frozenset[str]) -> _Way | None:
    """How rows change by a foreign key after a change of these columns of their parents; None: they
    do not."""
    if not by.enforced:
        return None
    if after == "delete":
        emptied: _Way = "empty" if "empty" in by.cascades else "delete"
        return emptied if "delete" in by.cascades else None
    if "update" not in by.cascades or columns.isdisjoint(by.parent_columns):
        return None
    return "empty" if after == "empty" or "empty on update" in by.cascades else "update"


def empty(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """TRUNCATE: what inherits from it; with CASCADE all that refer to it, and what refers to
    those."""
    key = key_of(clause.table, facts)
    heirs = {} if "only" in clause.words else dict.fromkeys(inheriting(key, facts), key)
    found, rest = list[str](), [key, *heirs] if "cascade" in clause.words else []
    while rest:
        for one, _ in referring_to(rest.pop(), facts):
            if one not in found:
                found.append(one)
                rest.append(one)
    holds = hold_all(found, ACCESS_EXCLUSIVE, facts)
    lost = (
        *_lost_by_heirs(heirs, facts, "every row"),
        *(f"every row of {one.on.name}" for one in holds),
    )
    return Part(others=(*hold_all(heirs, ACCESS_EXCLUSIVE, facts), *holds), loses=lost)
