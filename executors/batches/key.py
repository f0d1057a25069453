"""The key along which a statement in batches walks, held against what the database says of it.

Asks no database: an engine does, in its own SQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.failure import Failure, ServerError, StepFailed
from lockgate.planner.errors import MigrationFileError
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.engine import Session
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.planner.plan.statement import Batch, PlannedStatement

UNFIT = "no key for batches"
"""In the place of a server's code."""


@frozen
class KeyColumn:
    """A column of a key: `type` is as the server prints it, and `is_ordered` says that a value sent
    as text is compared as its index orders it."""

    name: str
    type: str
    nullable: bool
    is_ordered: bool = True


@frozen
class BatchKey:
    """What there is of a batch's key: `table` is qualified and quoted, `columns` are those that
    exist, in the key's order. `is_unique` says that a valid unique index has exactly these columns
    in this order, for every row. `kind` is what the relation is, if it is none that holds rows in a
    transactional way; `keys` are unique indexes that there are, as lists of columns."""

    table: str
    columns: tuple[KeyColumn, ...]
    is_unique: bool
    kind: str = ""
    keys: tuple[str, ...] = ()


def refuse_unfit_key(key: BatchKey, step: Step, statement: PlannedStatement) -> None:
    """Raises MigrationFileError when batches along this key could miss a row or do one twice."""
    batch = statement.batch
    assert batch is not None, "only asked of batches"
    for what, why in _faults(key, batch)[:1]:
        others = f" Such keys here are {'; '.join(key.keys)}." if key.keys else ""
        raise MigrationFileError(
            what,
            path=Path(step.file),
            line=statement.line,
            why=why,
            do=f"Walk by a unique key whose columns are not null.{others}",
        )


def refuse_unfit_keys(plan: Plan, session: Session) -> None:
    """Raises MigrationFileError when batches of a plan have no key. A table that an earlier step of
    the plan makes or changes is looked at when they run."""
    touched: set[str] = set()
    for step in plan.steps:
        for one in step.statements:
            if one.batch and one.batch.table.name.lower() not in touched:
                key = session.find_batch_key(one.batch)
                if key is None:
                    raise _no_table(step, one, one.batch)
                refuse_unfit_key(key, step, one)
            objects = one.reading.objects if one.reading else ()
            touched.update(each.name.lower() for each in objects)
            touched.update(touch.table.rpartition(".")[2].lower() for touch in one.touches)


def _no_table(step: Step, statement: PlannedStatement, batch: Batch) -> MigrationFileError:
    return MigrationFileError(
        f"there is no table {batch.table.name}",
        path=Path(step.file),
        line=statement.line,
        why="Its key is what the batches walk along.",
        do="Correct the name, or name the table: `-- migrate:batch key=id table=users …`.",
    )


def find_fit_key(
    session: Session, number: int, step: Step, statement: PlannedStatement
) -> BatchKey:
    """The key of a statement that is about to run.

    Raises:
        StepFailed: batches along it could miss a row or do one twice, or there is no such table.
    """
    batch = statement.batch
    assert batch is not None, "only asked of batches"
    key = session.find_batch_key(batch)
    faults = _faults(key, batch) if key else [(f"there is no table {batch.table.name}", "")]
    for what, why in faults:
        raise StepFailed(Failure(number, step, 1, statement, ServerError(UNFIT, what, detail=why)))
    assert key is not None, "refused before"
    return key


def _faults(key: BatchKey, batch: Batch) -> list[tuple[str, str]]:
    found = list[tuple[str, str]]()
    spelled = ", ".join(batch.key)
    if key.kind:
        found.append((f"{key.table} is {key.kind}", "Batches need rows that a rollback undoes."))
    missing = set(batch.key) - {one.name for one in key.columns}
    missing = missing if len(key.columns) < len(batch.key) else set()
    if missing:
        found.append(
            (f"{key.table} has no column {', '.join(sorted(missing))}", "It is the batches' key.")
        )
        return found
    for one in key.columns:
        if one.nullable:
            found.append(
                (f"the key's column {one.name} of {key.table} may be null",
                 "Rows with a null would be in no batch.")
            )  # fmt: skip
        if not one.is_ordered:
            found.append(
                (f"the key's column {one.name} of {key.table} is {one.type}",
                 "A value of that type, sent as text, need not compare as its index is ordered.")
            )  # fmt: skip
    if not key.is_unique:
        found.append(
            (f"{key.table} has no unique index on ({spelled}), in this order and for all rows",
             "Where a key's value is there twice, a batch could end between the two; and without "
             "an index each batch would read the whole table.")
        )  # fmt: skip
    return found
