"""Statements of a plan that would change what lockgate keeps in the database itself, or another
tool's history that it watches.

A plan that changes what is lockgate's could not record its own steps, so it is refused when it is
made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lockgate.planner.building.readings import full_reading
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.recording import adopted_tables
from lockgate.planner.database.server import Server
from lockgate.planner.errors import MigrationFileError
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import StatementReading
from lockgate.planner.reading.reading import Reading

OWN = ("lockgate_target", "lockgate_runs", "lockgate_plans", "lockgate_journal")
"""Beside the history table, which the environment names."""
HARMLESS = frozenset({"comment", "create index"})


def refuse_own_tables(steps: Iterable[Step], server: Server, default_schema: str) -> None:
    """Raises MigrationFileError for the first statement that drops, changes or writes a table of
    lockgate's; a name without a schema is one in `default_schema`, or, where that is empty, in the
    database of that name.

    What a function or a block does is not seen: that fails when the plan is applied.
    """
    schema, _, history = server.history_table.rpartition(".")
    default = default_schema or server.database
    names = {name.casefold() for name in (*OWN, history)}
    for step in steps:
        for one in step.statements:
            changed = next(_changed(one.reading, schema, names, default), None)
            if changed is None or _makes_nothing(full_reading(one, server.dialect)):
                continue
            raise MigrationFileError(
                f"lockgate keeps what is applied in {changed}, and this statement changes it.",
                path=Path(step.file),
                line=one.line,
                why="The plan could not record what it does.",
                do="If another tool's table is meant, or one of your own, give lockgate's another "
                "name before its first run: `history: {table: lockgate_history}` in the "
                "environment. If lockgate's is meant, take the statement out.",
            )


def find_watched(steps: Iterable[Step], ledger: Ledger, default_schema: str) -> tuple[str, ...]:
    """A warning for each step that changes the history of a tool that was taken over: what it
    writes there stops the next command."""
    return tuple(
        f"{step.file} changes {one.table}, the history of {one.tool}, which is watched: the next "
        "command would stop. Take that statement out of the file."
        for step in steps
        for one in adopted_tables(ledger)
        if any(
            any(_changed(each.reading, one.schema, {one.table.casefold()}, default_schema))
            for each in step.statements
        )
    )


def _makes_nothing(reading: Reading) -> bool:
    """Whether it would make what is there before the plan's first step."""
    return reading.conditional and reading.kind.startswith("create")


def _changed(
    reading: StatementReading | None, schema: str, names: set[str], default_schema: str
) -> Iterator[str]:
    """What of lockgate's a statement changes."""
    if reading is None or reading.kind in HARMLESS:
        return
    for each in reading.objects:
        if each.kind == "schema" and reading.kind == "drop schema" and each.name == schema:
            yield f"the schema {schema}"
        place = each.qualifier or default_schema
        if (
            each.kind == "table"
            and place.casefold() == schema.casefold()
            and each.name.casefold() in names
        ):
            yield f"the table {each.name}"
