"""What is lost with a plan: data that no rollback which comes later brings back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lockgate.planner.building.readings import full_reading
from lockgate.planner.database.facts import Facts
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.postgresql.locks import ROW_EXCLUSIVE
from lockgate.planner.reading.reader import read_section
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.review.own_objects import OwnObjects
from lockgate.planner.value import frozen

NAMED = 5
WRITES = "write rows"
"""The clause of a reading that says so."""
REPLACES = {"insert", "delete"}
"""How MySQL's REPLACE changes rows: each that was there has another one in its place."""


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
    `whole` every row of more than none. Steps count from 1."""

    step: int
    statement: int
    tables: tuple[str, ...]
    whole: bool = False


def find_row_changes(plan: Plan) -> Iterator[RowChange]:
    """The rows that are updated, in order; those that are deleted are losses."""
    dialect, own = plan.target.dialect, OwnObjects()
    for number, step in enumerate(plan.steps if dialect else (), 1):
        assert dialect is not None
        own.begin_section()
        is_whole = step.transaction is not None
        texts = (one.sql for one in step.statements)
        readings = read_section(texts, dialect, transactional=is_whole)
        for place, reading in enumerate(readings, 1):
            statement, found = step.statements[place - 1], dict[str, bool]()
            rows, touched = known_rows(statement), {_bare(one.table) for one in statement.touches}
            for table, every in _updated(reading):
                # What IF NOT EXISTS names was there, where the plan says that others use it; on
                # MySQL and MariaDB no plan says that of rows.
                is_new = dialect.transactional_ddl and own.is_new(table, Facts())
                if not (own.is_own(table) or (is_new and table.name not in touched)):
                    whole = every and rows.get(table.name) != 0
                    found[table.name] = whole or found.get(table.name, False)
            for name in _changed_along(reading, statement):
                found.setdefault(name, False)
            own.follow(reading, Facts(), is_whole)
            for whole in (True, False):
                if tables := tuple(name for name in found if found[name] is whole):
                    yield RowChange(number, place, tables, whole)


def _changed_along(reading: Reading, statement: PlannedStatement) -> Iterator[str]:
    """The tables of which an UPDATE changes rows and that it does not name: a view's, and those
    that follow by foreign keys. What they lose is said as a loss."""
    written = [one for one in reading.clauses if one.action == WRITES]
    named = {one.table.name for one in written}
    for touch in statement.touches if any("update" in one.words for one in written) else ():
        name = _bare(touch.table)
        nouns = (f"rows of {name} ", f"values of {name}.")
        is_lost = any(one.startswith(nouns) for one in statement.loses)
        if touch.lock == ROW_EXCLUSIVE and name not in named and not is_lost:
            yield name


def known_rows(statement: PlannedStatement) -> dict[str, int]:
    """How many rows the tables have that a statement works on, by their names alone."""
    found = {_bare(one.table): one.rows for one in statement.touches}
    return {name: rows for name, rows in found.items() if rows is not None}


def _bare(table: str) -> str:
    return table.rpartition(".")[2]


def _updated(reading: Reading) -> Iterator[tuple[Object, bool]]:
    """The tables of which a statement changes rows, and whether it is every row."""
    for one in reading.clauses:
        if one.action == WRITES and "update" in one.words:
            yield one.table, "every row" in one.words
    if "update" in reading.row_changes or reading.row_changes == REPLACES:
        yield from ((one, reading.every_row) for one in reading.tables_written)


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
