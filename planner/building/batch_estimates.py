"""How much a statement in batches has to do, by what a database says of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.plan.plan import Step

if TYPE_CHECKING:
    from lockgate.planner.database.facts import Facts, TableFacts
    from lockgate.planner.plan.statement import Batch


def with_estimates(step: Step, facts: Facts) -> Step:
    """The step with the rows, the bytes and the types of the keys of its batches, where the table
    is known."""
    if not any(one.batch for one in step.statements):
        return step
    statements = tuple(
        one.model_copy(update={"batch": _estimated(one.batch, facts)}) if one.batch else one
        for one in step.statements
    )
    return step.model_copy(update={"statements": statements})


def _estimated(batch: Batch, facts: Facts) -> Batch:
    from lockgate.planner.reading.reading import Object
    from lockgate.planner.reading.sizes import find_table

    table = find_table(Object("table", batch.table.name, batch.table.qualifier), facts)
    if table is None:
        return batch
    about = {"rows": table.rows, "bytes": table.size, "types": _types(batch, table)}
    return batch.model_copy(update=about)


def _types(batch: Batch, table: TableFacts) -> tuple[str, ...]:
    """Of the key's columns; empty where the table has not all of them yet."""
    columns = {name.lower(): column.type for name, column in table.columns.items()}
    types = tuple(columns.get(name.lower(), "") for name in batch.key)
    return types if all(types) else ()
