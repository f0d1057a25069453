"""The facts as a plan's statements leave them, so that each is weighed by what is there by then.

What a statement does that is not read, such as a DO block, is not followed. A relation that a
plan makes is not known here: no session uses it yet.
"""

from __future__ import annotations

from collections.abc import Callable

from lockgate.planner.database.facts import (
    ColumnFacts,
    ConstraintFacts,
    Facts,
    Layout,
    TableFacts,
    TypeFacts,
)
from lockgate.planner.reading.postgresql.weighing.edits import (
    change,
    constrain,
    lay,
    proofs_of,
    relations_in,
    respell_dependents,
    switch_triggers,
    take_out,
    types_of,
)
from lockgate.planner.reading.postgresql.weighing.relations import (
    as_object,
    below,
    key_of,
    spelled,
)
from lockgate.planner.reading.postgresql.weighing.taking import find_taking, find_types
from lockgate.planner.reading.reading import Clause, Object, Reading
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.value import replace

KINDS = ("check", "foreign", "not null", "primary", "unique", "exclusion")
DROPS = frozenset({"drop column", "drop constraint", "drop not null"})
"""Clauses that the server runs before the others of their statement."""
KEEPING = frozenset({"alter", "read", "write", "set"})
"""Verbs of statements that leave the names of tables and their constraints alone, if they rename
nothing."""
ENDINGS = {"check": "check", "foreign": "fkey", "primary": "pkey", "unique": "key",
           "exclusion": "excl", "not null": "not_null"}  # fmt: skip


def follow(reading: Reading, facts: Facts) -> Facts:
    """The facts after a statement has run; those that were given are used up."""
    taking = find_taking(reading, facts)
    if reading.verb == "drop":
        for one in reading.objects:
            _drop(one, facts)
    elif reading.verb == "create":
        facts = _create(reading, facts)
    for clause in sorted(reading.clauses, key=lambda one: one.action not in DROPS):
        if after := AFTER.get(clause.action):
            after(clause, facts)
    take_out((*taking.named, *taking.gone), facts)
    for old, new in reading.columns_renamed:
        _rename_column(reading.objects[0], old, new, facts)
    for gone, made in reading.renames:
        _rename(gone, made, facts)
    is_renamed = reading.renames or reading.columns_renamed or reading.search_path is not None
    if reading.verb not in KEEPING or is_renamed:
        proofs_of(facts).clear()
    return facts


def _create(reading: Reading, facts: Facts) -> Facts:
    names = tuple(one.name for one in reading.objects if one.kind in ("function", "procedure"))
    for one in reading.objects:
        # A name that something had is that of something else now.
        if one.kind == "table" and not reading.conditional:
            relations_in(facts).pop(key_of(one, facts), None)
    return replace(facts, volatile=(*facts.volatile, *names)) if names else facts


def _drop(one: Object, facts: Facts) -> None:
    if one.kind in ("type", "domain"):
        for key in [*find_types(one, facts)]:
            types_of(facts).pop(key)
    elif one.kind == "schema":
        for key in [key for key, table in facts.tables.items() if table.schema == one.name]:
            relations_in(facts).pop(key)
    else:
        relations_in(facts).pop(key_of(one, facts), None)


def _add_column(clause: Clause, facts: Facts) -> None:
    key = next(find_types(Object("type", clause.type), facts), "")
    added = ColumnFacts(clause.type, nullable="not null" not in clause.words, made_of=key)
    change(clause.table, facts, lambda table: replace(
        table, columns={clause.name: added, **table.columns}))  # fmt: skip
    if clause.others:
        _refer(replace(clause, columns=(clause.name,), name=""), facts)


def _drop_column(clause: Clause, facts: Facts) -> None:
    proofs_of(facts).clear()
    for each in [*below(key_of(clause.table, facts), facts)]:
        constrain(as_object(each, facts), facts, lambda found: {
            name: one for name, one in found.items()
            if one.kind != "check" or clause.name not in one.columns})  # fmt: skip
    change(clause.table, facts, lambda table: replace(table, columns={
        name: one for name, one in table.columns.items() if name != clause.name}))  # fmt: skip
    constrain(clause.table, facts, lambda found: {
        name: one for name, one in found.items() if clause.name not in one.columns})  # fmt: skip


def _change_column(clause: Clause, facts: Facts, **changes: object) -> None:
    def redefine(table: TableFacts) -> TableFacts:
        known = table.columns.get(clause.name)
        if known is None:
            return table
        changed = replace(known, **changes)
        return replace(table, columns={**table.columns, clause.name: changed})

    change(clause.table, facts, redefine)


def _change_type(clause: Clause, facts: Facts) -> None:
    key = next(find_types(Object("type", clause.type), facts), "")
    _change_column(clause, facts, type=clause.type, made_of=key)


def _require(clause: Clause, facts: Facts) -> None:
    _change_column(clause, facts, nullable=False)
    constrain(clause.table, facts, lambda found: {
        name: replace(one, valid=True) if one.kind == "not null" and clause.name in one.columns
        else one for name, one in found.items()})  # fmt: skip


def _allow_null(clause: Clause, facts: Facts) -> None:
    for each in [*below(key_of(clause.table, facts), facts)]:
        table = as_object(each, facts)
        _change_column(replace(clause, table=table), facts, nullable=True)
        constrain(table, facts, lambda found: {
            name: one for name, one in found.items()
            if one.kind != "not null" or clause.name not in one.columns})  # fmt: skip


def _add_constraint(clause: Clause, facts: Facts) -> None:
    kind = next((kind for kind in KINDS if kind in clause.words), "")
    if kind == "foreign":
        _refer(clause, facts)
        return
    if clause.required and clause.name and not key_of(clause.table, facts):
        is_valid = not clause.words & {"not valid", "not enforced"}
        proofs_of(facts)[spelled(clause.table), clause.name] = clause.required, is_valid
    if kind in ("not null", "primary"):
        for column in clause.columns:
            _change_column(replace(clause, name=column), facts, nullable=False)
    definition = " AND ".join(f'("{one}" IS NOT NULL)' for one in clause.required)
    added = _constraint(clause, kind, definition=f"CHECK ({definition})" if definition else "")
    _put(clause, kind, added, facts)


def _refer(clause: Clause, facts: Facts) -> None:
    parent = key_of(clause.others[0], facts)
    _put(clause, "foreign", _constraint(clause, "foreign", parent=parent), facts)
    child = key_of(clause.table, facts)
    lay(clause.others[0], facts, lambda lay: replace(
        lay, referrers=tuple(dict.fromkeys((*lay.referrers, child)))))  # fmt: skip


def _constraint(clause: Clause, kind: str, *, parent: str = "", definition: str = "") -> (
    ConstraintFacts
):  # fmt: skip
    is_enforced = "not enforced" not in clause.words
    return ConstraintFacts(
        kind,
        clause.columns,
        valid=is_enforced and "not valid" not in clause.words,
        enforced=is_enforced,
        parent=parent,
        definition=definition,
    )


def _put(clause: Clause, kind: str, added: ConstraintFacts, facts: Facts) -> None:
    """Under the name that the server gives it where the statement gives none."""
    columns = "" if kind == "primary" else "".join(f"{one}_" for one in clause.columns)
    name = clause.name or f"{clause.table.name}_{columns}{ENDINGS.get(kind, kind)}"
    constrain(clause.table, facts, lambda found: found | {name: added})


def _validate(clause: Clause, facts: Facts) -> None:
    if known := facts.proofs.get((spelled(clause.table), clause.name)):
        proofs_of(facts)[spelled(clause.table), clause.name] = known[0], True
    constrain(clause.table, facts, lambda found: {
        name: replace(one, valid=True) if name == clause.name else one
        for name, one in found.items()})  # fmt: skip


def _drop_constraint(clause: Clause, facts: Facts) -> None:
    proofs_of(facts).pop((spelled(clause.table), clause.name), None)
    table = find_table(clause.table, facts)
    dropped = table.layout.constraints.get(clause.name) if table and table.layout else None
    if dropped and dropped.kind == "not null":
        _allow_null(replace(clause, name=dropped.columns[0]), facts)
    for each in [*below(key_of(clause.table, facts), facts)]:
        constrain(as_object(each, facts), facts, lambda found: {
            name: one for name, one in found.items()
            if name != clause.name or one.kind != "check"})  # fmt: skip
    constrain(clause.table, facts, lambda found: {
        name: one for name, one in found.items() if name != clause.name})  # fmt: skip


def _enforce(clause: Clause, facts: Facts) -> None:
    enforced = "enforced" in clause.words
    constrain(clause.table, facts, lambda found: {
        name: replace(one, enforced=enforced, valid=enforced)
        if clause.words and name == clause.name else one
        for name, one in found.items()})  # fmt: skip


def _join(clause: Clause, facts: Facts) -> None:
    """ATTACH PARTITION and INHERIT."""
    whole, is_default = key_of(clause.table, facts), clause.bound == ("default",)
    parts = tuple(key_of(one, facts) for one in clause.others)

    def take_in(lay: Layout) -> Layout:
        default = parts[0] if is_default else lay.default
        return replace(lay, children=(*lay.children, *parts), default=default)

    lay(clause.table, facts, take_in)
    for one in clause.others:
        lay(one, facts, lambda lay: replace(lay, parents=(*lay.parents, whole)))


def _part(clause: Clause, facts: Facts) -> None:
    """DETACH PARTITION and NO INHERIT."""
    whole = key_of(clause.table, facts)
    parts = {key_of(one, facts) for one in clause.others}

    def let_go(lay: Layout) -> Layout:
        children = tuple(one for one in lay.children if one not in parts)
        return replace(lay, children=children, default="" if lay.default in parts else lay.default)

    lay(clause.table, facts, let_go)
    for one in clause.others:
        lay(one, facts, lambda lay: replace(
            lay, parents=tuple(each for each in lay.parents if each != whole)))  # fmt: skip


def _set(**changes: object) -> Callable[[Clause, Facts], None]:
    def after(clause: Clause, facts: Facts) -> None:
        lay(clause.table, facts, lambda lay: replace(lay, **changes))

    return after


def _check_domain(clause: Clause, facts: Facts) -> None:
    for key in [*find_types(clause.table, facts)]:
        types_of(facts)[key] = replace(facts.types[key], checked=True)


def _move(clause: Clause, facts: Facts) -> None:
    """SET SCHEMA."""
    moved = Object(clause.table.kind, clause.table.name, clause.name)
    _rename(clause.table, moved, facts, schema=clause.name)


def _rename_column(named: Object, old: str, new: str, facts: Facts) -> None:
    """The CHECKs of a column prove nothing any more: their text has its old name."""

    def spell(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if one == old else one for one in names)

    def respell(lay: Layout) -> Layout:
        constraints = {
            name: replace(one, columns=spell(one.columns),
                          definition="" if old in one.columns else one.definition)
            for name, one in lay.constraints.items()}  # fmt: skip
        return replace(lay, constraints=constraints, computed=spell(lay.computed), views={
            view: spell(read) for view, read in lay.views.items()})  # fmt: skip

    lay(named, facts, respell)
    change(named, facts, lambda table: replace(table, columns={
        new if name == old else name: one for name, one in table.columns.items()}))  # fmt: skip


def _rename(old: Object, new: Object, facts: Facts, schema: str | None = None) -> None:
    """A relation by its new name, in whatever else names it too."""
    before = key_of(old, facts)
    if not before:
        return
    tables = relations_in(facts)
    is_qualified = schema is not None or before != old.name
    found = tables.pop(before)
    found = replace(found, schema=found.schema if schema is None else schema)
    after = f"{found.schema}.{new.name}" if is_qualified else new.name
    tables[after] = found

    def spell(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(after if one == before else one for one in names)

    respell_dependents(before, after, facts)
    for key, one in tables.items():
        if one.layout and _names(one.layout, before):
            tables[key] = replace(one, layout=_respelled(one.layout, spell))


def _names(lay: Layout, key: str) -> bool:
    direct = (*lay.parents, *lay.children, *lay.referrers, *lay.indexes, *lay.sequences, *lay.views)
    parents = (one.parent for one in lay.constraints.values())
    return key in direct or key in (lay.owner, lay.default) or key in parents


def _respelled(lay: Layout, spell: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Layout:
    return replace(
        lay,
        owner=spell((lay.owner,))[0],
        default=spell((lay.default,))[0],
        parents=spell(lay.parents),
        children=spell(lay.children),
        referrers=spell(lay.referrers),
        indexes=spell(lay.indexes),
        sequences=spell(lay.sequences),
        views={spell((view,))[0]: read for view, read in lay.views.items()},
        constraints={
            name: replace(one, parent=spell((one.parent,))[0])
            for name, one in lay.constraints.items()
        },
    )


def _make_domain(clause: Clause, facts: Facts) -> None:
    made = clause.table
    base = next(find_types(Object("type", clause.type), facts), "")
    checked = bool(clause.words) or (base != "" and facts.types[base].checked)
    types_of(facts)[made.name] = TypeFacts("domain", made.schema, base, clause.type, checked)


def _make_index(clause: Clause, facts: Facts) -> None:
    owner = key_of(clause.table, facts)
    if owner and clause.name and clause.name not in facts.tables:
        found = facts.tables[owner]
        made = Layout("index", owner=owner, keys=clause.columns)
        relations_in(facts)[clause.name] = replace(found, columns={}, layout=made)
        lay(clause.table, facts, lambda lay: replace(lay, indexes=(*lay.indexes, clause.name)))


def _switch(*, enabled: bool) -> Callable[[Clause, Facts], None]:
    return lambda one, facts: switch_triggers(one.table, one.name, facts, enabled=enabled)


def _read(clause: Clause, facts: Facts) -> None:
    """A view that the plan makes: it goes with what it reads."""
    view, tables = clause.table, relations_in(facts)
    is_qualified = view.schema not in ("", facts.default_schema)
    key = f"{view.schema}.{view.name}" if is_qualified else view.name
    tables[key] = TableFacts("", 0, 0, {}, schema=view.schema, layout=Layout(view.kind))
    for one in clause.others:
        columns = facts.tables[known].columns if (known := key_of(one, facts)) else ()
        read = tuple(name for name in columns if {name, "*"} & {*clause.columns})
        _let_read(one, key, read, facts)


def _let_read(one: Object, view: str, columns: tuple[str, ...], facts: Facts) -> None:
    lay(one, facts, lambda known: replace(known, views={**known.views, view: columns}))


AFTER: dict[str, Callable[[Clause, Facts], None]] = {
    "add column": _add_column,
    "add constraint": _add_constraint,
    "add index constraint": _add_constraint,
    "add inherit": _join,
    "alter column type": _change_type,
    "alter constraint": _enforce,
    "attach partition": _join,
    "build index": _make_index,
    "detach partition": _part,
    "domain add constraint": _check_domain,
    "domain set not null": _check_domain,
    "drop column": _drop_column,
    "drop constraint": _drop_constraint,
    "drop inherit": _part,
    "drop not null": _allow_null,
    "make domain": _make_domain,
    "name index": _make_index,
    "read": _read,
    **dict.fromkeys(
        ("disable trig", "disable trig all", "disable trig user"), _switch(enabled=False)
    ),
    **dict.fromkeys(
        ("enable trig", "enable trig all", "enable trig user", "enable always trig"),
        _switch(enabled=True),
    ),
    "set logged": _set(logged=True),
    "set not null": _require,
    "set schema": _move,
    "set un logged": _set(logged=False),
    "validate constraint": _validate,
}
