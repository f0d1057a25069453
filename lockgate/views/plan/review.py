"""What a reviewer asks of a plan: what is lost, what blocks, what a failure leaves; as a value.

Prints nothing and knows no markup: the markdown and the HTML view show it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from lockgate.planner.finding import SEVERITIES, Finding
from lockgate.planner.guarantees.guarantee import NOT_ATOMIC, ONE_TRANSACTION
from lockgate.planner.plan.plan import Plan, Step, Unit
from lockgate.planner.plan.statement import PlannedStatement, Touch
from lockgate.planner.review.inspection import completed
from lockgate.planner.review.losses import Loss, find_losses, find_row_changes, known_rows
from lockgate.planner.review.passwords import without_passwords
from lockgate.planner.review.schema_changes import SchemaChange, find_schema_changes
from lockgate.planner.value import frozen

WORST_FIRST = SEVERITIES[::-1]
PRODUCTION = re.compile(r"(?<![a-z])(prod|production|live)(?![a-z])", re.IGNORECASE)
"""Part of the name of an environment that users depend on."""
ROWS_OF = re.compile(r"^(rows|every row) of ([^ ]+)")
"""A loss that counts rows."""
WAITING = {"nothing": (), "writes": ("writes",), "reads": ("reads", "writes")}
"""What a lock makes wait, of each that is written in a plan."""
WORTH_A_LOOK = ("deferred", "compensated-by-copy", "point-of-no-return")


@frozen
class Place:
    """A statement within a plan; both numbers count from 1, and 0 is the step as a whole."""

    number: int
    step: Step
    statement: int = 0

    def __str__(self) -> str:
        return f"step {self.number}" + (f" statement {self.statement}" if self.statement else "")


@frozen
class Remark:
    """A finding and its place."""

    place: Place
    finding: Finding

    @property
    def grade(self) -> str:
        """Its severity, or that it was answered for."""
        return self.finding.severity if self.finding.allowed is None else "allowed"


@frozen
class ShownLoss:
    """What is gone with its data, as nouns, and the statement that takes it."""

    place: Place
    lost: tuple[str, ...]


@frozen
class ShownRows:
    """Tables of which a statement changes rows, or with `whole` every row, each with how many
    there are."""

    place: Place
    tables: tuple[str, ...]
    whole: bool


@frozen
class ShownLock:
    """A table that a statement works on. `kind` is what the statement is, such as `alter table`,
    and empty where that is not known; `is_first` says that it touches no table before this, and
    `is_kept` that the server keeps the lock until the transaction ends, `is_brief` that it is kept
    for a moment, as no long work follows. `under` is a lock of an earlier statement that keeps the
    table closed meanwhile; `since` the first statement of its transaction from which on the same
    wait for the table, where that is an earlier one."""

    place: Place
    touch: Touch
    kind: str = ""
    is_first: bool = True
    is_kept: bool = False
    is_brief: bool = False
    under: str = ""
    since: Place | None = None

    @property
    def is_view(self) -> bool:
        """Whether it is a view, which has neither rows nor a size."""
        return self.kind.endswith(" view") and "materialized" not in self.kind and self.is_first


@frozen
class ReviewPart:
    """A unit of the plan and what a failure within it leaves, as a sentence."""

    unit: Unit
    kind: str
    leaves: str

    @property
    def last(self) -> int:
        """The number of its last step."""
        return self.unit.first + len(self.unit.steps) - 1

    @property
    def statements(self) -> Iterator[tuple[Place, PlannedStatement]]:
        """Its statements in the order in which they run."""
        return statements_of(self.unit.steps, self.unit.first)


@frozen
class Review:
    """A plan, digested: findings by severity, losses and parts in order, the longest lock first;
    `units` names that of each step."""

    plan: Plan
    remarks: tuple[Remark, ...]
    losses: tuple[ShownLoss, ...]
    locks: tuple[ShownLock, ...]
    parts: tuple[ReviewPart, ...]
    changes: tuple[SchemaChange, ...]
    rows: tuple[ShownRows, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the plan does, as a headline."""
        steps = self.plan.steps
        if not steps and self.plan.adopted:
            return f"Note what {self.plan.adopted.tool} says by now, and change no history"
        if not steps:
            return "Nothing to do"
        verb = "Apply" if steps[0].direction == "up" else "Roll back"
        return f"{verb} {count(len(steps), 'migration')}"

    @property
    def is_production(self) -> bool:
        """Whether its environment is called so: it is made hard to overlook."""
        return is_production(self.plan.environment)

    @property
    def grade(self) -> str:
        """How good the plan's verdict is: `good` for one transaction, `poor` for what is not all
        or nothing; empty: it is, in another way."""
        if self.plan.verdict.startswith(NOT_ATOMIC):
            return "poor"
        return "good" if self.plan.verdict == ONE_TRANSACTION else ""

    @property
    def severities(self) -> Counter[str]:
        """How many findings have which grade."""
        return Counter(remark.grade for remark in self.remarks)

    @property
    def keeps_locks(self) -> bool:
        """Whether others wait for a lock until its transaction ends, and not just its statement."""
        return any(lock.is_kept and lock.touch.blocks != "nothing" for lock in self.locks)

    @property
    def overwriting(self) -> int:
        """How many statements change rows that were there before."""
        return len({(one.place.number, one.place.statement) for one in self.rows})

    @property
    def statements(self) -> int:
        """How many statements run."""
        return sum(len(step.statements) for step in self.plan.steps)

    @property
    def guarantees(self) -> Counter[str]:
        """How many statements have which guarantee."""
        return Counter(one.guarantee for step in self.plan.steps for one in step.statements)


def is_production(environment: str) -> bool:
    """Whether the name of an environment says that users depend on it.

    >>> is_production("eu-prod"), is_production("products")
    (True, False)
    """
    return PRODUCTION.search(environment) is not None


def masked(plan: Plan) -> Plan:
    """The plan as it is shown to people: without the passwords in its SQL. Its digests are still
    those of what runs."""
    dialect = plan.target.dialect

    def shown(statements: Iterable[PlannedStatement]) -> tuple[PlannedStatement, ...]:
        return tuple(
            one.model_copy(update={"sql": sql})
            if (sql := without_passwords(one.sql, dialect)) != one.sql
            else one
            for one in statements
        )

    def shown_step(step: Step) -> Step:
        back = None if step.rollback is None else shown(step.rollback)
        return step.model_copy(update={"statements": shown(step.statements), "rollback": back})

    return plan.model_copy(update={"steps": tuple(map(shown_step, plan.steps))})


def review(plan: Plan) -> Review:
    """What a reviewer should know of a plan."""
    plan = masked(completed(plan))
    losses = (_lost(plan, one) for one in find_losses(plan))
    return Review(
        plan=plan,
        remarks=tuple(sorted(find_remarks(plan), key=_urgency)),
        losses=tuple(losses),
        locks=tuple(sorted(find_locks(plan), key=_length)),
        parts=find_parts(plan),
        changes=find_schema_changes(plan),
        rows=tuple(find_rows(plan)),
        units=tuple(name_units(plan)),
    )


def _lost(plan: Plan, loss: Loss) -> ShownLoss:
    """A loss, with how many rows there are in each table that loses some."""
    step = plan.steps[loss.step - 1]
    rows = known_rows(step.statements[loss.statement - 1])
    lost = (ROWS_OF.sub(lambda found: _counted(found, rows), one) for one in loss.lost)
    return ShownLoss(Place(loss.step, step, loss.statement), tuple(lost))


def _counted(noun: re.Match[str], rows: Mapping[str, int]) -> str:
    """
    >>> _counted(re.match("(every row|rows) of (.*)", "rows of a"), {"a": 1200})
    'rows of a (it has ~1.2 k)'
    """
    known = rows.get(noun[2])
    return noun[0] if known is None else f"{noun[0]} (it has {spell_rows(known)})"


def find_rows(plan: Plan) -> Iterator[ShownRows]:
    """The tables of which rows are changed, statement by statement."""
    for one in find_row_changes(plan):
        step = plan.steps[one.step - 1]
        rows = known_rows(step.statements[one.statement - 1])
        tables = (f"{name} (it has {spell_rows(rows[name])} rows)" if name in rows else name
                  for name in one.tables)  # fmt: skip
        yield ShownRows(Place(one.step, step, one.statement), tuple(tables), one.whole)


def name_units(plan: Plan) -> list[str]:
    """Of each step the unit that it belongs to, counted as they run, and whether that is none of
    the server's transactions."""
    return [
        f"{number}" + (", no transaction" if unit.transaction is None else "")
        for number, unit in enumerate(plan.units(), 1)
        for _ in unit.steps
    ]


def find_parts(plan: Plan) -> tuple[ReviewPart, ...]:
    """The units, in the order in which they run."""
    return tuple(_part(unit) for unit in plan.units())


def find_remarks(plan: Plan) -> Iterator[Remark]:
    """The findings, step by step."""
    for number, step in enumerate(plan.steps, 1):
        for finding in step.findings:
            yield Remark(Place(number, step, finding.statement), finding)


def find_locks(plan: Plan) -> Iterator[ShownLock]:
    """The tables that are touched, statement by statement."""
    dialect = plan.target.dialect
    busy = {place.step.transaction for place, one in statements_of(plan.steps)
            if any(touch.work != "none" for touch in one.touches)}  # fmt: skip
    busy |= {step.transaction for step in plan.steps
             if any(one.code == "lock-held" for one in step.findings)}  # fmt: skip
    held, first, before = dict[str, Touch](), dict[tuple[str, str], Place](), None
    for place, statement in statements_of(plan.steps):
        unit = place.step.transaction
        if unit is None or unit != before:
            held, first, before = {}, {}, unit
        kind = statement.reading.kind if statement.reading else ""
        is_kept = bool(dialect and dialect.transactional_ddl) and unit is not None
        closed = held.copy()
        for number, touch in enumerate(statement.touches):
            earlier = closed.get(touch.table)
            under = earlier.lock if earlier and touch.severity < earlier.severity else ""
            since = first.get((touch.table, touch.blocks))
            is_brief = unit not in busy
            yield ShownLock(place, touch, kind, number == 0, is_kept, is_brief, under, since)
            for waiting in WAITING[touch.blocks] if is_kept else ():
                first.setdefault((touch.table, waiting), place)
            if is_kept and not under:
                held[touch.table] = touch


def count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "step"), count(2000, "step")
    ('1 step', '2,000 steps')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def spell_rows(rows: int | None) -> str:
    """An estimated number of rows, with two digits that count.

    >>> spell_rows(80_123_456), spell_rows(1_234), spell_rows(12), spell_rows(None)
    ('~80 M', '~1.2 k', '~12', 'unknown')
    """
    if rows is None:
        return "unknown"
    for power, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if rows >= power:
            amount = rows / power
            return f"~{amount:.1f} {unit}" if amount < 10 else f"~{amount:.0f} {unit}"
    return f"~{rows}"


def spell_lock(touch: Touch) -> str:
    """The lock in the server's own words; empty: none.

    >>> spell_lock(Touch(table="t", lock="SHARED", algorithm="copy"))
    'ALGORITHM=COPY, LOCK=SHARED'
    """
    if not touch.algorithm:
        return touch.lock
    return f"ALGORITHM={touch.algorithm.upper()}, LOCK={touch.lock or 'NONE'}"


def _urgency(remark: Remark) -> tuple[bool, int, int, int]:
    severity = WORST_FIRST.index(remark.finding.severity)
    is_allowed = remark.finding.allowed is not None
    return is_allowed, severity, remark.place.number, remark.finding.line


def _length(lock: ShownLock) -> tuple[bool, int, int, int]:
    touch = lock.touch
    return not touch.is_long, -touch.effort, -(touch.bytes or 0), lock.place.number


def statements_of(
    steps: tuple[Step, ...], first: int = 1
) -> Iterator[tuple[Place, PlannedStatement]]:
    """Each statement with its place; `first` is the number of the first step."""
    for number, step in enumerate(steps, first):
        for place, statement in enumerate(step.statements, 1):
            yield Place(number, step, place), statement


def _part(unit: Unit) -> ReviewPart:
    stay = f" Steps 1 to {unit.first - 1} stay." if unit.first > 2 else ""
    stay = " Step 1 stays." if unit.first == 2 else stay
    kind, leaves = _fate(unit)
    return ReviewPart(unit, kind, leaves + stay)


def _fate(unit: Unit) -> tuple[str, str]:
    found = {one.guarantee for step in unit.steps for one in step.statements}
    statements = sum(len(step.statements) for step in unit.steps)
    if unit.batches:
        return "in batches", "Keeps the batches that are done; applied again, it goes on there."
    if unit.copies:
        return "by a copy", "Leaves the table as it was, or as it is to be: a look tells which."
    if unit.transaction is None and statements > 1:
        return "kept one by one", "Keeps each statement that ran."
    if unit.transaction is None and "point-of-no-return" in found:
        return "one statement, not undone", "May keep a part of what it did."
    if found == {"compensated"} and unit.transaction is None:
        return "one statement", "What it left is removed."
    if "point-of-no-return" in found:
        return (
            "cut by points of no return",
            "Keeps what ran up to the last point of no return; what ran after it is undone.",
        )
    if found <= {"transactional"} and unit.transaction is None:
        return "one statement", "The server undoes the statement."
    if found <= {"transactional"}:
        return "one transaction", "The server undoes all of it."
    return (
        "undone by compensation",
        "Undone as a whole, statement by statement; other sessions see the states in between.",
    )
