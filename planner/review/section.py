"""What a lint rule looks at: one section of a migration, each statement of it read.

Judges nothing; the rules in `planner.review.rules` do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import Protocol

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding, Severity
from lockgate.planner.migrations.migration import Section
from lockgate.planner.plan.plan import Direction
from lockgate.planner.plan.statement import Online
from lockgate.planner.reading.impact import Impact, Taken
from lockgate.planner.reading.reader import ImpactReader
from lockgate.planner.reading.reading import Hold, Object, Reading
from lockgate.planner.reading.sizes import (
    SEVERITY_OF,
    Thresholds,
    describe_table,
    measure,
)
from lockgate.planner.review.held_locks import NONE, HeldLocks, LocksInForce, as_relation
from lockgate.planner.review.own_objects import OwnObjects
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import DelimiterLeft
from lockgate.planner.value import frozen, replace


class Written(Protocol):
    """A statement as a file or a plan has it."""

    @property
    def sql(self) -> str: ...
    @property
    def line(self) -> int: ...


@frozen
class CopiedStatement:
    """A statement of a file that a program does by a copy."""

    sql: str
    line: int
    online: Online


def written_in(section: Section) -> Sequence[Written]:
    """The statements of a section, as `read_subject` takes them."""
    if section.online is None:
        return section.statements
    return [CopiedStatement(one.sql, one.line, section.online) for one in section.statements]


@frozen
class Reviewed:
    """A statement, its place in the section from 1, what it does to others, and the locks that
    earlier ones hold when it begins; none where the server commits each statement.

    `new` are the tables of it that no other session uses yet; `is_own` is true where the plan has
    made for certain all that it writes, alters or drops. `by_server` are the locks that the server
    would take, where a program copies the table in its place.
    """

    place: int
    line: int
    sql: str
    impact: Impact
    held: HeldLocks = NONE
    new: frozenset[Object] = frozenset()
    is_own: bool = False
    by_server: tuple[Hold, ...] = ()

    @property
    def reached(self) -> tuple[Object, ...]:
        """The tables whose rows it writes, and the objects that it makes, alters or drops."""
        return (*self.impact.written, *self.impact.reading.objects)


@frozen
class ReviewTerms:
    """What sections are judged by; empty facts make every size unknown."""

    dialect: Dialect
    facts: Facts = field(default_factory=Facts)
    thresholds: Thresholds = field(default_factory=Thresholds)


@frozen
class Subject:
    """A section, as a file or a plan has it."""

    statements: tuple[Reviewed, ...]
    direction: Direction
    transactional: bool
    terms: ReviewTerms
    delimiter_left: DelimiterLeft | None = None

    def is_new(self, table: Object, statement: Reviewed) -> bool:
        """Whether the table was made before this statement, in the section or by a step before."""
        return as_relation(table) in statement.new

    def lost_by(self, statement: Reviewed) -> tuple[str, ...]:
        """What is gone with its data, as nouns; what the plan has made itself is no loss.

        What IF NOT EXISTS makes may have been there: a plan is judged without facts too.
        """
        return () if statement.is_own else statement.impact.loses

    def taken_by(self, statement: Reviewed) -> tuple[Taken, ...]:
        """What goes along with what it drops; with what the plan has made itself nothing of others
        does."""
        return () if statement.is_own else statement.impact.takes

    def grade(self, table: Object) -> Severity:
        """How much it matters that others must wait for work on all of the table."""
        return SEVERITY_OF[measure(table, self.terms.facts, self.terms.thresholds)]

    def grade_loss(self, tables: Iterable[Object]) -> Severity | None:
        """How much it matters that data of these tables is lost; None: it does not.

        To lose it is what a way back is for, so there it counts where rows are known to be.
        """
        if self.direction == "up":
            return "danger"
        scales = [measure(one, self.terms.facts, self.terms.thresholds) for one in tables]
        if "large" in scales:
            return "danger"
        return "info" if "small" in scales else None

    def describe(self, table: Object) -> str:
        """The table for people, with its size where that is known."""
        return describe_table(table, self.terms.facts)


def _dropped_by(statement: Reviewed) -> Iterator[Object]:
    """What is no longer used; a dropped index leaves its table, which stays closed."""
    effect = statement.impact.reading
    for one in effect.objects if effect.verb == "drop" else ():
        if one.kind != "index":
            yield as_relation(one)


def read_subject(
    statements: Iterable[Written],
    direction: Direction,
    transactional: bool,
    terms: ReviewTerms,
    delimiter_left: DelimiterLeft | None = None,
    reader: ImpactReader | None = None,
) -> Subject:
    """The section that these statements are, as it runs by itself, after those that `reader` has
    read."""
    alone = read_alone(statements, direction, transactional, terms, delimiter_left, reader)
    return follow([(alone, None, "")])[0]


def read_alone(
    statements: Iterable[Written],
    direction: Direction,
    transactional: bool,
    terms: ReviewTerms,
    delimiter_left: DelimiterLeft | None = None,
    reader: ImpactReader | None = None,
) -> Subject:
    """The section that these statements are, before `follow` sets it among others; `reader` is the
    one that has read those before it."""
    written = tuple(statements)
    texts = (one.sql for one in written)
    reader = reader or ImpactReader(terms.dialect, terms.facts)
    impacts = reader.read(texts, transactional=transactional)
    reviewed = tuple(
        _as_it_runs(one, Reviewed(place, one.line, one.sql, impact))
        for place, (one, impact) in enumerate(zip(written, impacts, strict=True), 1)
    )
    return Subject(reviewed, direction, transactional, terms, delimiter_left)


def _as_it_runs(statement: Written, reviewed: Reviewed) -> Reviewed:
    """What a statement does to others; where a program copies the table, they go on."""
    if getattr(statement, "online", None) is None:
        return reviewed
    holds = reviewed.impact.holds
    copied = tuple(Hold(one.on, "NONE", "nothing", "rewrite") for one in holds)
    return replace(reviewed, impact=replace(reviewed.impact, holds=copied), by_server=holds)


def follow(sections: Sequence[tuple[Subject, int | None, str]]) -> tuple[Subject, ...]:
    """Sections as they run one after another, each with the number of its transaction and its name:
    what one makes is new to those after it, and what it locks is locked until its transaction ends.
    """
    own = OwnObjects()
    locks, before, followed = LocksInForce(), None, []
    for subject, transaction, name in sections:
        if transaction is None or transaction != before:
            locks = LocksInForce()
        followed.append(_with_locks(_with_own_objects(subject, own), locks))
        locks.end_section(name)
        before = transaction
    return tuple(followed)


def _with_own_objects(subject: Subject, own: OwnObjects) -> Subject:
    """The section with what of each statement's tables the plan has made before it."""
    own.begin_section()
    statements = []
    for statement in subject.statements:
        reading, facts = statement.impact.reading, subject.terms.facts
        reached = statement.reached
        touched = (*reached, *(hold.on for hold in statement.impact.holds))
        new = frozenset(as_relation(one) for one in touched if own.is_new(one, facts))
        impact = _of_new_table(statement.impact, new)
        lost = (*reached, *_exchanged(reading))
        is_own = bool(reached) and all(map(own.is_own, lost)) and not _goes_on(reading)
        statements.append(replace(statement, impact=impact, new=new, is_own=is_own))
        own.follow(reading, facts, subject.transactional)
    return replace(subject, statements=tuple(statements))


def _of_new_table(impact: Impact, new: frozenset[Object]) -> Impact:
    """The impact of what alters a table of the plan's own: it has few rows, so what these refer to
    is soon looked up."""
    table = next(iter(impact.reading.objects), None)
    if impact.reading.verb != "alter" or table is None or as_relation(table) not in new:
        return impact
    holds = tuple(
        one if as_relation(one.on) in new else replace(one, work="none") for one in impact.holds
    )
    return replace(impact, holds=holds)


def _exchanged(reading: Reading) -> Iterator[Object]:
    for clause in reading.clauses:
        yield from clause.others if "exchange" in clause.words else ()


def _goes_on(reading: Reading) -> bool:
    """Whether TRUNCATE … CASCADE empties tables that it does not name."""
    return reading.verb == "truncate" and len(reading.loses) > len(reading.tables_written)


def _with_locks(subject: Subject, locks: LocksInForce) -> Subject:
    """The section with the locks that are held when each of its statements begins."""
    if not (subject.transactional and subject.terms.dialect.transactional_ddl):
        return subject
    statements = []
    for statement in subject.statements:
        held = locks.apart_from(statement.impact.holds)
        statements.append(replace(statement, held=held) if held.count else statement)
        for hold in statement.impact.holds:
            # Those on what others use already.
            if hold.blocks != "nothing" and not subject.is_new(hold.on, statement):
                on = as_relation(hold.on)
                locks.take(replace(hold, on=on), f"statement {statement.place}")
        for gone in _dropped_by(statement):
            locks.end(gone)
    return replace(subject, statements=tuple(statements))


def report(
    code: str, severity: Severity, statement: Reviewed, message: str, why: str, safer: str = ""
) -> Finding:
    """A finding of lockgate's own about a statement."""
    return Finding(
        code=code,
        severity=severity,
        statement=statement.place,
        line=statement.line,
        message=message,
        why=why,
        safer=safer,
    )
