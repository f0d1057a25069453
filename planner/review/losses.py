"""What is lost with a plan: data that no rollback which comes later brings back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from lockgate.planner.building.readings import full_reading
from lockgate.planner.plan.plan import Plan
from lockgate.planner.reading.reading import Reading
from lockgate.planner.value import frozen

NAMED = 5
WRITES = "write rows"
"""The clause of a reading that says so."""


@frozen
class Loss:
    """What one statement takes, as nouns: `the table users`. Step and statement count from 1."""

    step: int
    statement: int
    lost: tuple[str, ...]


def find_losses(plan: Plan) -> tuple[Loss, ...]:
    """The losses in the order in which they come, as the plan's statements carry them; what the
    plan itself has made is none."""
    return tuple(
        Loss(number, place, statement.loses)
        for number, step in enumerate(plan.steps, 1)
        for place, statement in enumerate(step.statements, 1)
        if statement.loses
    )


@frozen
class RowChange:
    """Rows of tables that were there before the plan and that a statement deletes, or else
    changes, and the tables whose rows follow by their foreign keys. Steps count from 1."""

    step: int
    statement: int
    deletes: bool
    tables: tuple[str, ...]
    followers: tuple[str, ...]


def find_row_changes(plan: Plan) -> Iterator[RowChange]:
    """Those that say by a condition which rows, in order: the loss of every row is found as such,
    and a rollback brings back none of them."""
    dialect = plan.target.dialect
    made: set[str] = set()
    for number, step in enumerate(plan.steps if dialect else (), 1):
        for place, statement in enumerate(step.statements, 1):
            assert dialect is not None
            reading = full_reading(statement, dialect)
            if reading.verb == "create":
                made |= {one.name for one in reading.objects}
            tables = {table: "delete" in words for table, words in _rewritten(reading)}
            old = [table for table in tables if table not in made]
            if old and not statement.loses:
                touched = (one.table.rpartition(".")[2] for one in statement.touches)
                said = {*tables, *(hold.on.name for hold in reading.holds)}
                others = tuple(one for one in _unique(touched) if one not in said)
                deletes = any(tables[table] for table in old)
                yield RowChange(number, place, deletes, tuple(old), others)


def _rewritten(reading: Reading) -> Iterator[tuple[str, Collection[str]]]:
    """The tables of which a statement deletes or changes rows, with what it does to them."""
    changes = [(one.table.name, one.words) for one in reading.clauses if one.action == WRITES]
    changes += [(one.name, reading.row_changes) for one in reading.tables_written]
    yield from ((name, words) for name, words in changes if {"delete", "update"} & set(words))


def name_losses(losses: Sequence[Loss]) -> str:
    """What is lost, as many as a sentence takes.

    >>> name_losses([Loss(1, 1, ("the table t",)), Loss(2, 1, ("the column a",))])
    'the table t (step 1 statement 1), the column a (step 2 statement 1)'
    """
    named = [f"{' and '.join(_unique(one.lost))} (step {one.step} statement {one.statement})"
             for one in losses[:NAMED]]  # fmt: skip
    more = [f"and {len(losses) - NAMED} more"] if len(losses) > NAMED else []
    return ", ".join([*named, *more])


def _unique(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(names)
