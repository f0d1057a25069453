"""What a statement of PostgreSQL does to the tables that are there: locks, work, losses.

Reads no SQL. A clause that is not known counts as the strongest lock, as the manual says of most.
https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lockgate.planner.database.facts import Facts, TableFacts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    ROW_SHARE,
    SHARE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    STRENGTHS,
    hold,
)
from lockgate.planner.reading.postgresql.weighing import columns, dropping, partitions, writing
from lockgate.planner.reading.postgresql.weighing.dropping import with_taken
from lockgate.planner.reading.postgresql.weighing.edits import begin
from lockgate.planner.reading.postgresql.weighing.firing import fired_by
from lockgate.planner.reading.postgresql.weighing.following import DROPS, follow
from lockgate.planner.reading.postgresql.weighing.part import (
    BRIEF,
    MAY_REWRITE,
    MAY_SCAN,
    REWRITE,
    SCAN,
    SETTING,
    SWITCH,
    Part,
    Weigher,
    always,
)
from lockgate.planner.reading.postgresql.weighing.relations import (
    hold_all,
    key_of,
    layout_of,
    relations_under,
)
from lockgate.planner.reading.postgresql.weighing.taking import (
    find_taking,
    find_types,
    lost_with,
    spell_taken,
)
from lockgate.planner.reading.reading import WORKS, Clause, Hold, Reading, Work
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.value import replace


def weigh(reading: Reading, facts: Facts) -> Impact:
    """The impact of a statement by what is known of the tables.

    One lock for all clauses of an ALTER TABLE, the strongest, is taken from the start.
    """
    impact = _weigh(reading, facts)
    if reading.verb != "truncate":
        return impact
    # With CASCADE, those that follow are locked like those that it names.
    emptied = dict.fromkeys(key_of(one.on, facts) for one in impact.holds)
    fires = fired_by(((key, frozenset({"truncate"})) for key in emptied), facts)
    return replace(impact, fires=fires)


def _weigh(reading: Reading, facts: Facts) -> Impact:
    if not reading.clauses:
        return Impact(reading, reading.holds, reading.loses)
    left = _without_dropped(reading, facts)
    parts = [
        _weigh_clause(clause, facts if clause.action in DROPS else left)
        for clause in reading.clauses
    ]
    is_rewritten = any(
        part.work == "rewrite" and clause.action not in WRITING_LATER
        for clause, part in zip(reading.clauses, parts, strict=True)
    )
    others = tuple(
        each
        for part in parts
        for each in (part.others_if_rewritten if is_rewritten else ()) or part.others
    )
    taking = find_taking(reading, facts)
    loses = (*(one for part in parts for one in part.loses), *lost_with(taking.gone, facts))
    if any(part.outside for part in parts):
        reading = replace(reading, outside_only=True)
    own = (_merge(reading, parts),) if reading.verb == "alter" and _is_table(reading) else ()
    holds = tuple(dict.fromkeys([*own, *reading.holds, *others]))
    closed = {key_of(one.on, facts) for one in holds if one.lock == ACCESS_EXCLUSIVE}
    along = dict.fromkeys(with_taken(taking.gone, facts))
    holds += tuple(one for one in along if key_of(one.on, facts) not in closed)
    return Impact(
        reading,
        holds,
        (*reading.loses, *(one for one in dict.fromkeys(loses) if one not in reading.loses)),
        spell_taken(taking.gone, facts),
        spell_taken(taking.kept_by, facts),
        tuple(one for part in parts for one in part.fires),
        tuple(dict.fromkeys(one for part in parts for one in part.through)),
    )


def _without_dropped(reading: Reading, facts: Facts) -> Facts:
    """The facts by which the server runs the other clauses, wherever DROPs are written among them:
    what these drop proves nothing to the others."""
    drops = tuple(clause for clause in reading.clauses if clause.action in DROPS)
    if len(drops) in (0, len(reading.clauses)):
        return facts
    return follow(replace(reading, clauses=drops), begin(facts))


def _is_table(reading: Reading) -> bool:
    return not reading.holds and reading.kind not in ("alter type", "alter domain")


def _weigh_clause(clause: Clause, facts: Facts) -> Part:
    weigher = CLAUSES.get(clause.action)
    return weigher(clause, find_table(clause.table, facts), facts) if weigher else BRIEF


def _merge(reading: Reading, parts: Iterable[Part]) -> Hold:
    found = list(parts)
    lock = max((part.lock for part in found), key=STRENGTHS.__getitem__)
    work = max((part.work for part in found), key=WORKS.index)
    certain = any(part.certain for part in found if part.work == work)
    return hold(reading.objects[0], lock, work, certain=certain)


def _add_constraint(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    is_later = bool(clause.words & {"not valid", "not enforced", "using index"})
    if "foreign" in clause.words:
        work: Work = "none" if is_later else "scan"
        lock = SHARE_ROW_EXCLUSIVE
        return Part(lock, work, others=tuple(hold(one, lock, work) for one in clause.others))
    if "not null" in clause.words and not is_later:
        return columns.require(replace(clause, name=clause.columns[0]), table, facts)
    if {"using index", "primary"} <= clause.words:
        return _make_key(clause, table, facts)
    return BRIEF if is_later else SCAN


def _make_key(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """PRIMARY KEY USING INDEX: its columns are required from now on."""
    keys = layout_of(clause.others[0], facts).keys
    parts = [columns.require(replace(clause, name=one), table, facts) for one in keys]
    return max(parts, key=lambda part: WORKS.index(part.work), default=BRIEF)


def _drop_constraint(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    return Part(others=dropping.with_constraint(clause, facts))


def _alter_constraint(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """A foreign key that is enforced from now on has its rows looked up."""
    known = table.layout.constraints.get(clause.name) if table and table.layout else None
    enforces = "enforced" in clause.words
    if not clause.words or (known and known.enforced == enforces):
        return BRIEF
    if known is None:
        return MAY_SCAN if enforces else BRIEF
    work: Work = "scan" if enforces else "none"
    lock = SHARE_ROW_EXCLUSIVE if enforces else ACCESS_EXCLUSIVE
    return Part(work=work, others=hold_all([known.parent], lock, facts, work))


def _validate(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    known = table.layout.constraints.get(clause.name) if table and table.layout else None
    if known is None:
        return replace(MAY_SCAN, lock=SHARE_UPDATE_EXCLUSIVE)
    if known.valid:
        return SETTING
    parents = hold_all([known.parent], ROW_SHARE, facts, "scan")
    return Part(SHARE_UPDATE_EXCLUSIVE, "scan", others=parents)


def _switch_log(*, logged: bool) -> Weigher:
    """SET LOGGED and SET UNLOGGED: nothing is done where it is so already."""

    def weigh_clause(_clause: Clause, table: TableFacts | None, _facts: Facts) -> Part:
        if table is None or table.layout is None:
            return MAY_REWRITE
        return BRIEF if table.layout.logged is logged else REWRITE

    return weigh_clause


def _set_access_method(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    layout = table.layout if table else None
    if layout is None:
        return MAY_REWRITE
    is_done = (
        layout.access_method == (clause.name or facts.access_method) or layout.kind == "partitioned"
    )
    return BRIEF if is_done else REWRITE


def _set_tablespace(clause: Clause, table: TableFacts | None, _facts: Facts) -> Part:
    layout = table.layout if table else None
    if layout is None:
        return MAY_REWRITE
    is_done = layout.tablespace == clause.name or layout.kind == "partitioned"
    return BRIEF if is_done else REWRITE


def _inherit(clause: Clause, _table: TableFacts | None, _facts: Facts) -> Part:
    return Part(others=tuple(hold(one, SHARE_UPDATE_EXCLUSIVE) for one in clause.others))


def _domain(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """Every table with a column of the domain is read; writes wait meanwhile."""
    types = find_types(clause.table, facts)
    tables = (table for table, _ in dropping.columns_of(types, facts))
    is_later = "not valid" in clause.words
    return Part(others=() if is_later else hold_all(tables, SHARE, facts, "scan"))


def _drop(find: Callable[[Clause, Facts], tuple[Hold, ...]]) -> Weigher:
    return lambda clause, _table, facts: Part(others=find(clause, facts))


def _replace_view(clause: Clause, table: TableFacts | None, _facts: Facts) -> Part:
    return Part(others=(hold(clause.table, ACCESS_EXCLUSIVE),) if table else ())


def _reindex(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """REINDEX: with an index its table is locked, and with a table its indexes; the parts of a
    partitioned one are rebuilt in a transaction each."""
    layout = layout_of(clause.table, facts)
    is_concurrent = "concurrently" in clause.words
    of_table = SHARE_UPDATE_EXCLUSIVE if is_concurrent else SHARE
    of_index = SHARE_UPDATE_EXCLUSIVE if is_concurrent else ACCESS_EXCLUSIVE
    is_index = clause.table.kind == "index"
    work: Work = "scan" if is_index or layout.kind == "" or layout.indexes else "none"
    own = hold(clause.table, of_index if is_index else of_table, work, certain=layout.kind != "")
    table_of_it = hold_all([layout.owner], of_table, facts, "scan")
    outside = layout.kind.startswith("partitioned")
    return Part(
        outside=outside,
        others=(own, *table_of_it, *hold_all(layout.indexes, of_index, facts, "scan")),
    )


def _lock(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    """LOCK: of a view what it reads too."""
    layout, (mode,) = layout_of(clause.table, facts), clause.words
    under = relations_under(key_of(clause.table, facts), facts) if layout.kind == "view" else ()
    return Part(others=hold_all(under, mode, facts))


def _cluster(clause: Clause, _table: TableFacts | None, facts: Facts) -> Part:
    return Part(outside=layout_of(clause.table, facts).kind == "partitioned")


def _build_index(clause: Clause, table: TableFacts | None, facts: Facts) -> Part:
    """CREATE INDEX: nothing is built where one of the name is there, nor for a partitioned table
    without its parts."""
    lock = SHARE_UPDATE_EXCLUSIVE if "concurrently" in clause.words else SHARE
    if table is None or table.layout is None:
        return Part(lock, "scan", certain=False)
    index = replace(clause.table, kind="index", name=clause.name)
    is_there = "if not exists" in clause.words and find_table(index, facts) is not None
    is_whole = "only" in clause.words and table.layout.kind == "partitioned"
    return Part(lock, "none" if is_there or is_whole else "scan")


SETTINGS = (
    *("set rel options", "reset rel options", "set statistics", "set options", "reset options"),
    *("cluster on", "drop cluster"),
)
SWITCHES = (
    *("enable trig", "enable always trig", "enable replica trig", "disable trig"),
    *("enable trig all", "disable trig all", "enable trig user", "disable trig user"),
)
WRITING_LATER = frozenset({"add column", "set expression"})
"""Clauses for whose rows the server decides later than whether it looks foreign keys up again."""
CLAUSES: dict[str, Weigher] = {
    **dict.fromkeys(SETTINGS, always(SETTING)),
    **dict.fromkeys(SWITCHES, always(SWITCH)),
    "add column": columns.add,
    "add constraint": _add_constraint,
    "add index constraint": _add_constraint,
    "add inherit": _inherit,
    "add partition": partitions.add,
    "alter column type": columns.change_type,
    "alter constraint": _alter_constraint,
    "attach partition": partitions.attach,
    "build index": _build_index,
    "cluster": _cluster,
    "detach partition": partitions.detach,
    "detach partition finalize": partitions.finalize,
    "domain add constraint": _domain,
    "domain set not null": _domain,
    "domain validate constraint": _domain,
    "drop column": columns.drop,
    "drop constraint": _drop_constraint,
    "drop index": _drop(dropping.with_index),
    "drop inherit": _inherit,
    "drop schema": _drop(dropping.with_schema),
    "drop statistic ext": _drop(dropping.with_statistics),
    "drop table": _drop(dropping.with_table),
    "empty": writing.empty,
    "lock": _lock,
    "reindex": _reindex,
    "replace view": _replace_view,
    "set access method": _set_access_method,
    "set expression": columns.set_expression,
    "set logged": _switch_log(logged=True),
    "set not null": columns.require,
    "set table space": _set_tablespace,
    "set un logged": _switch_log(logged=False),
    "validate constraint": _validate,
    "write rows": writing.write_rows,
}
