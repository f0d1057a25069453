"""Changes of facts, of which each takes the place of what was known: what is renamed, or gone.

Reads no SQL, and knows no statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lockgate.planner.database.facts import (
    ConstraintFacts,
    Dependent,
    Facts,
    Layout,
    TableFacts,
    TypeFacts,
)
from lockgate.planner.reading.postgresql.weighing.relations import key_of, layout_at
from lockgate.planner.reading.postgresql.weighing.taking import Dropped
from lockgate.planner.reading.reading import Object
from lockgate.planner.value import replace

GIVEN = "follow is given what begin has made"


def begin(facts: Facts) -> Facts:
    """Facts that can be changed, apart from these."""
    return replace(
        facts,
        tables=dict(facts.tables),
        types=dict(facts.types),
        proofs=dict(facts.proofs),
        dependents=dict(facts.dependents),
    )


def relations_in(facts: Facts) -> dict[str, TableFacts]:
    """Its relations."""
    assert isinstance(facts.tables, dict), GIVEN
    return facts.tables


def proofs_of(facts: Facts) -> dict[tuple[str, str], tuple[tuple[str, ...], bool]]:
    """What constraints of tables that are not known prove."""
    assert isinstance(facts.proofs, dict), GIVEN
    return facts.proofs


def types_of(facts: Facts) -> dict[str, TypeFacts]:
    """Its types."""
    assert isinstance(facts.types, dict), GIVEN
    return facts.types


def dependents_of(facts: Facts) -> dict[str, tuple[Dependent, ...]]:
    """What hangs on objects."""
    assert isinstance(facts.dependents, dict), GIVEN
    return facts.dependents


def change(named: Object, facts: Facts, how: Callable[[TableFacts], TableFacts]) -> None:
    """A relation, if it is known."""
    key = key_of(named, facts)
    if key:
        relations_in(facts)[key] = how(facts.tables[key])


def lay(named: Object, facts: Facts, how: Callable[[Layout], Layout]) -> None:
    """What a relation hangs together with."""
    change(
        named,
        facts,
        lambda table: replace(table, layout=how(table.layout)) if table.layout else table,
    )


def constrain(
    named: Object,
    facts: Facts,
    how: Callable[[dict[str, ConstraintFacts]], dict[str, ConstraintFacts]],
) -> None:
    """The constraints of a table."""
    lay(named, facts, lambda known: replace(known, constraints=how(dict(known.constraints))))


def switch_triggers(table: Object, name: str, facts: Facts, *, enabled: bool) -> None:
    """A trigger runs, or does not; without a name all of the table's."""

    def switched(known: Layout) -> Layout:
        fires = {
            key: replace(one, enabled=enabled)
            if one.kind == "trigger" and name in ("", key)
            else one
            for key, one in known.fires.items()
        }
        return replace(known, fires=fires)

    lay(table, facts, switched)


def take_out(nodes: Iterable[Dropped], facts: Facts) -> None:
    """Takes out what is gone."""
    gone = set(nodes)
    for one in gone:
        if one.kind == "relation":
            relations_in(facts).pop(one.key, None)
        elif one.kind == "index":
            relations_in(facts).pop(one.name, None)
            _without(one.key, facts, indexes=(one.name,))
        elif one.kind == "constraint":
            _without(one.key, facts, constraints=(one.name,))
        elif one.kind == "column" and one.key in facts.tables:
            known = facts.tables[one.key]
            left = {name: each for name, each in known.columns.items() if name != one.name}
            relations_in(facts)[one.key] = replace(known, columns=left)
        elif one.kind in ("trigger", "rule"):
            _without(one.key, facts, fires=(one.name,))
        elif one.kind == "type":
            types_of(facts).pop(one.key, None)
    hanging = {(one.kind, one.name, one.key) for one in gone}
    for name, each in facts.dependents.items() if hanging else ():
        left_of = tuple(d for d in each if (d.kind, d.name, d.table) not in hanging)
        if len(left_of) < len(each):
            dependents_of(facts)[name] = left_of


def _without(
    key: str,
    facts: Facts,
    indexes: tuple[str, ...] = (),
    constraints: tuple[str, ...] = (),
    fires: tuple[str, ...] = (),
) -> None:
    table, known = facts.tables.get(key), layout_at(key, facts)
    if table is None:
        return
    left = replace(
        known,
        indexes=tuple(one for one in known.indexes if one not in indexes),
        constraints={n: one for n, one in known.constraints.items() if n not in constraints},
        fires={name: one for name, one in known.fires.items() if name not in fires},
    )
    relations_in(facts)[key] = replace(table, layout=left)


def respell_dependents(before: str, after: str, facts: Facts) -> None:
    """What hangs on a relation that has another name, or on its parts, or is a part of it."""
    for name, each in list(facts.dependents.items()):
        kind, _, rest = name.partition(" ")
        is_own = rest == before or (
            kind in ("column", "constraint") and rest.rpartition(".")[0] == before
        )
        spelled = f"{kind} {after}{rest[len(before) :]}" if is_own else name
        moved = tuple(replace(d, table=after) if d.table == before else d for d in each)
        if spelled != name or moved != each:
            dependents_of(facts).pop(name)
            dependents_of(facts)[spelled] = moved
