"""What is lost with a plan: data that no rollback which comes later brings back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lockgate.planner.building.readings import full_reading
from lockgate.planner.plan.plan import Plan, Step
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
    """The tables that were there before the plan and of which a statement changes rows, or with
    `whole` every row. Steps count from 1."""

    step: int
    statement: int
    tables: tuple[str, ...]
    whole: bool = False


def find_row_changes(plan: Plan) -> Iterator[RowChange]:
    """The rows that are updated, in order; those that are deleted are losses."""
    dialect = plan.target.dialect
    made: set[str] = set()
    for number, step in enumerate(plan.steps if dialect else (), 1):
        for place, statement in enumerate(step.statements, 1):
            assert dialect is not None
            reading = full_reading(statement, dialect)
            if reading.verb == "create":
                made |= {one.name for one in reading.objects}
            if old := [one for one in _unique(_updated(reading)) if one not in made]:
                yield RowChange(number, place, tuple(old), reading.every_row)


def _updated(reading: Reading) -> Iterator[str]:
    """The tables of which a statement changes rows."""
    changes = [(one.table.name, one.words) for one in reading.clauses if one.action == WRITES]
    changes += [(one.name, reading.row_changes) for one in reading.tables_written]
    yield from (name for name, words in changes if "update" in words)


def goes_nowhere(plan: Plan, step: Step) -> bool:
    """Whether the way back of a step has statements, and none of them changes anything."""
    dialect = plan.target.dialect
    back = [full_reading(one, dialect) for one in step.rollback or ()] if dialect else []
    return bool(back) and all(one.verb in ("read", "set") for one in back)


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
