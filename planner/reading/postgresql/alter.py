"""The locks that an ALTER TABLE of PostgreSQL takes and the work under them, clause by clause.

A clause that is not known counts as the strongest lock, as the manual says of most.
https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from lockgate.planner.database.facts import ColumnFacts, Facts
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    STRENGTHS,
    hold,
    read_name,
    read_object,
    read_parents,
)
from lockgate.planner.reading.postgresql.types import SERIALS, keeps_rows, volatility
from lockgate.planner.reading.reading import WORKS, Hold, Object, Reading, Work
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.sql.cursor import Cursor

CONSTRAINTS = ("constraint", "check", "unique", "primary", "foreign", "exclude", "not")
Columns = Mapping[str, ColumnFacts]
AFTER_DEFAULT = ("constraint", "check", "unique", "primary", "references", "not", "null",
                 "generated", "collate", "deferrable", "initially")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """What one clause needs of its table, and of `others`."""

    lock: str = ACCESS_EXCLUSIVE
    work: Work = "none"
    certain: bool = True
    others: tuple[Hold, ...] = ()
    loses: tuple[str, ...] = ()
    outside_only: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What is read of a statement, and weighed at once."""

    effect: Reading
    kind: str = ""
    holds: tuple[Hold, ...] = ()
    loses: tuple[str, ...] = ()
    every_row: bool = False
    queries: bool = False
    opaque: bool = False
    outside_only: bool = False


BRIEF = Part()
SCAN = Part(work="scan")
REWRITE = Part(work="rewrite")
SETTING = Part(SHARE_UPDATE_EXCLUSIVE)


def read_alter_table(cursor: Cursor, facts: Facts) -> Found:
    """The impact of what follows ALTER TABLE."""
    conditional = cursor.accept("if", "exists")
    table = read_object(cursor)
    effect = Reading("alter", (table,), conditional)
    known = find_table(table, facts)
    columns: Columns = known.columns if known else {}
    parts = []
    while not cursor.at_end:
        clause = cursor.clause()
        reader = CLAUSES.get(clause.take().word)
        parts.append(reader(clause, table, columns) if reader else BRIEF)
    return _merge(effect, table, parts)


def _merge(effect: Reading, table: Object, parts: Iterable[Part]) -> Found:
    """One lock for all clauses, the strongest, is taken from the start."""
    found = list(parts) or [BRIEF]
    lock = max((part.lock for part in found), key=STRENGTHS.__getitem__)
    work = max((part.work for part in found), key=WORKS.index)
    certain = any(part.certain for part in found if part.work == work)
    others = tuple(each for part in found for each in part.others)
    return Found(
        effect,
        "alter table",
        (hold(table, lock, work, certain=certain), *others),
        loses=tuple(each for part in found for each in part.loses),
        outside_only=any(part.outside_only for part in found),
    )


def _add(clause: Cursor, _table: Object, _columns: Columns) -> Part:
    column = clause.accept("column")
    if not column and clause.peek().word in CONSTRAINTS:
        return _add_constraint(clause)
    clause.accept("if", "not", "exists")
    clause.name()
    return _add_column(clause)


def _add_column(clause: Cursor) -> Part:
    words = [token.word for token in clause.rest()]
    others = tuple(read_parents(clause))
    if SERIALS.intersection(words[:1]) or {"identity", "stored"} & set(words):
        return Part(work="rewrite", others=others)
    clause.until("default")
    if clause.accept("default"):
        volatile = volatility(clause.until(*AFTER_DEFAULT))
        if volatile is not False:
            return Part(work="rewrite", certain=bool(volatile), others=others)
    scans = {"unique", "primary", "check"} & set(words)
    return Part(work="scan" if scans else "none", others=others)


def _add_constraint(clause: Cursor) -> Part:
    if clause.accept("constraint"):
        clause.name()
    kind = clause.take().word
    words = [token.word for token in clause.rest()]
    later = any(pair == ("not", "valid") for pair in pairwise(words))
    work: Work = "none" if later or "using index" in " ".join(words) else "scan"
    if kind == "foreign":
        return Part(SHARE_ROW_EXCLUSIVE, work, others=tuple(read_parents(clause)))
    return Part(work=work)


def _drop(clause: Cursor, table: Object, _columns: Columns) -> Part:
    if clause.accept("constraint"):
        return BRIEF
    clause.accept("column")
    clause.accept("if", "exists")
    return Part(loses=(f"the column {table.name}.{read_name(clause)}",))


def _alter(clause: Cursor, _table: Object, columns: Columns) -> Part:
    if clause.accept("constraint"):
        return BRIEF
    clause.accept("column")
    name = read_name(clause)
    if clause.accept("type") or clause.accept("set", "data", "type"):
        return _change_type(clause, columns.get(name))
    if clause.accept("set", "not", "null"):
        return SCAN
    if clause.accept("set", "expression"):
        return REWRITE
    plain = clause.accept("set", "statistics") or clause.accept("set", "(")
    return SETTING if plain or clause.accept("reset", "(") else BRIEF


def _change_type(clause: Cursor, column: ColumnFacts | None) -> Part:
    new = clause.until("collate", "using")
    if not clause.at_end or column is None:
        return Part(work="rewrite", certain=column is not None)
    return BRIEF if keeps_rows(column.type, new.text()) else REWRITE


def _validate(_clause: Cursor, _table: Object, _columns: Columns) -> Part:
    return Part(SHARE_UPDATE_EXCLUSIVE, "scan")


def _set(clause: Cursor, _table: Object, _columns: Columns) -> Part:
    if clause.sees("(") or clause.sees("without", "cluster"):
        return SETTING
    if clause.accept_any("logged", "unlogged") or clause.sees("access", "method"):
        return REWRITE
    # Where the table lies there already, nothing is done.
    return Part(work="rewrite", certain=False) if clause.accept("tablespace") else BRIEF


def _setting(_clause: Cursor, _table: Object, _columns: Columns) -> Part:
    return SETTING


def _switch(clause: Cursor, _table: Object, _columns: Columns) -> Part:
    clause.accept_any("always", "replica")
    return Part(SHARE_ROW_EXCLUSIVE) if clause.accept("trigger") else BRIEF


def _attach(clause: Cursor, _table: Object, _columns: Columns) -> Part:
    """The rows of the partition are checked, and only it is closed meanwhile."""
    clause.accept("partition")
    partition = hold(read_object(clause), ACCESS_EXCLUSIVE, "scan")
    return Part(SHARE_UPDATE_EXCLUSIVE, others=(partition,))


def _detach(clause: Cursor, _table: Object, _columns: Columns) -> Part:
    clause.accept("partition")
    partition = read_object(clause)
    if clause.accept("concurrently"):
        others = (hold(partition, ACCESS_EXCLUSIVE),)
        return Part(SHARE_UPDATE_EXCLUSIVE, others=others, outside_only=True)
    lock = SHARE_UPDATE_EXCLUSIVE if clause.accept("finalize") else ACCESS_EXCLUSIVE
    return Part(lock, others=(hold(partition, ACCESS_EXCLUSIVE),))


def _inherit(clause: Cursor, _table: Object, _columns: Columns) -> Part:
    return Part(others=(hold(read_object(clause), SHARE_UPDATE_EXCLUSIVE),))


Reader = Callable[[Cursor, Object, Columns], Part]
CLAUSES: dict[str, Reader] = {
    "add": _add,
    "alter": _alter,
    "attach": _attach,
    "cluster": _setting,
    "detach": _detach,
    "disable": _switch,
    "drop": _drop,
    "enable": _switch,
    "inherit": _inherit,
    "reset": _setting,
    "set": _set,
    "validate": _validate,
}
