"""Readings of a plan's statements: each is read once, and the plan carries what it does.

Reads by the rules of the plan's own server; what depends on its tables, `planner.review` adds.
"""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.database.facts import Facts
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import Concurrent, Named, PlannedStatement, StatementReading
from lockgate.planner.reading.absence import Absence
from lockgate.planner.reading.reader import read_section
from lockgate.planner.reading.reading import ConcurrentIndex, Object, Reading
from lockgate.planner.sql.dialect import Dialect


def with_readings(
    steps: Iterable[Step], dialect: Dialect, facts: Facts | None = None
) -> tuple[Step, ...]:
    """The steps with a reading of each statement that has none; with `facts` it says what of the
    statement's names is not there."""
    absence = Absence(facts or Facts())
    return tuple(_with_readings(step, dialect, absence) for step in steps)


def with_absent(steps: Iterable[Step], told: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, whose readings say of the same statements what is not there as those of `told`."""
    return tuple(
        step.model_copy(update={"statements": tuple(map(_absent_as, step.statements, before))})
        if len(before := one.statements) == len(step.statements)
        else step
        for step, one in zip(steps, told, strict=True)
    )


def _absent_as(statement: PlannedStatement, told: PlannedStatement) -> PlannedStatement:
    if statement.reading is None or told.reading is None:
        return statement
    reading = statement.reading.model_copy(update={"absent": told.reading.absent})
    return statement.model_copy(update={"reading": reading})


def full_reading(statement: PlannedStatement, dialect: Dialect) -> Reading:
    """All that a statement does, of which a plan carries a part; what was read before is not read
    again."""
    (reading,) = read_section([statement.sql], dialect)
    return reading


def read_statement(sql: str, dialect: Dialect) -> StatementReading:
    """What a statement does by itself, as a plan carries it."""
    return as_reading(next(read_section([sql], dialect)))


def as_reading(effect: Reading) -> StatementReading:
    """What a reader has found, as a plan carries it."""
    return StatementReading(
        kind=effect.kind or effect.verb,
        objects=tuple(map(_named, dict.fromkeys((*effect.objects, *effect.tables_written)))),
        leaves=effect.leaves,
        outside_only=effect.outside_only,
        commits=effect.commits,
        fails_whole=effect.fails_whole and not effect.partial,
        repeatable=effect.repeatable,
        absent=tuple(map(_named, effect.absent)),
        concurrent=_concurrent(effect.concurrent),
        opaque=effect.opaque,
        reaches_out=effect.reaches_out,
        changes_rights=effect.changes_rights,
        names=effect.names,
        unread=effect.unread,
    )


def _with_readings(step: Step, dialect: Dialect, absence: Absence) -> Step:
    if all(statement.reading for statement in step.statements) and not absence.is_known:
        return step
    texts = (statement.sql for statement in step.statements)
    whole = step.transaction is not None
    readings = absence.name_all(read_section(texts, dialect, transactional=whole))
    read = tuple(
        statement.model_copy(update={"reading": statement.reading or as_reading(reading)})
        for statement, reading in zip(step.statements, readings, strict=True)
    )
    return step.model_copy(update={"statements": read})


def _concurrent(found: ConcurrentIndex | None) -> Concurrent | None:
    if found is None:
        return None
    index, table = (one and _named(one) for one in (found.index, found.table))
    return Concurrent(action=found.action, index=index, table=table)


def _named(one: Object) -> Named:
    return Named(kind=one.kind, name=one.name, qualifier=one.schema)
