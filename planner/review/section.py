"""What a lint rule looks at: one section of a migration, each statement of it read.

Judges nothing; the rules in `planner.review.rules` do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding, Severity
from lockgate.planner.plan.plan import Direction
from lockgate.planner.reading.impact import Hold, Impact
from lockgate.planner.reading.mysql import impact as mysql_impact
from lockgate.planner.reading.postgresql import effects as postgresql_effects
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.reading.sizes import (
    SEVERITY_OF,
    Thresholds,
    describe_table,
    find_table,
    measure,
)
from lockgate.planner.sql.dialect import Dialect

ANY = "*"
"""In place of a schema: any."""
READERS: dict[str, Callable[[str, Dialect, Facts], Impact]] = {
    "postgresql": postgresql_effects.read_impact,
    "mysql": mysql_impact.read_impact,
    "mariadb": mysql_impact.read_impact,
}
"""By the dialect's name."""


class Written(Protocol):
    """A statement as a file or a plan has it."""

    @property
    def sql(self) -> str: ...
    @property
    def line(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A statement, its place in the section from 1, and what it does to others."""

    place: int
    line: int
    sql: str
    impact: Impact


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that shuts others out until the transaction ends, and what has taken it: `statement 2`
    of the section, or the file of a step before."""

    hold: Hold
    by: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What sections are judged by; empty facts make every size unknown.

    `made` are the tables that steps before made: nobody uses them yet. `own` are those that they
    made for certain: to drop one loses nothing. `held` are the locks that steps before took in the
    transaction in which the section runs.
    """

    dialect: Dialect
    facts: Facts = field(default_factory=Facts)
    thresholds: Thresholds = field(default_factory=Thresholds)
    made: frozenset[Object] = frozenset()
    own: frozenset[Object] = frozenset()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A section. `text` is its source, empty where only the statements are at hand, and
    `first_line` the line where that begins."""

    statements: tuple[Reviewed, ...]
    direction: Direction
    transactional: bool
    terms: Terms
    text: str = ""
    first_line: int = 1

    def is_new(self, table: Object, statement: Reviewed) -> bool:
        """Whether the table was made before this statement, in the section or by a step before.

        A table that the database has is new only by the very name by which another was made; of
        others a name without a schema may be that of any.
        """
        relation = as_relation(table)
        if self._is_made(relation, statement.place):
            return True
        alike = replace(relation, schema="" if relation.schema else ANY)
        is_alike = self._is_made(alike, statement.place)
        return is_alike and find_table(table, self.terms.facts) is None

    def lost_by(self, statement: Reviewed) -> tuple[str, ...]:
        """What is gone with its data, as nouns; what the plan has made itself is no loss.

        What IF NOT EXISTS makes may have been there: a plan is judged without facts too.
        """
        place, own = statement.place, self._own
        tables = {as_relation(table) for table in reached_by(statement)}
        is_own = tables and all(
            one in self.terms.own or own.get(one, place) < place for one in tables
        )
        return () if is_own else statement.impact.loses

    def held_before(self, place: int) -> tuple[Held, ...]:
        """The locks that shut others out when the statement at this place begins, the strongest of
        each table; none where the server commits each statement."""
        if not (self.transactional and self.terms.dialect.transactional_ddl):
            return ()
        behind = bisect_left(self._holdings, place, key=lambda one: one[0])
        return self._holdings[behind - 1][1]

    def terms_after(self, by: str) -> Terms:
        """Those of the section behind it in the same transaction; `by` is what that calls it."""
        held = self.held_before(len(self.statements) + 1)
        return replace(
            self.terms,
            made=self.terms.made | self._made.keys(),
            own=self.terms.own | self._own.keys(),
            held=tuple(one if one in self.terms.held else replace(one, by=by) for one in held),
        )

    def _is_made(self, relation: Object, place: int) -> bool:
        return relation in self.terms.made or self._made.get(relation, place) < place

    @cached_property
    def _made(self) -> dict[Object, int]:
        """The place at which each relation is made first, also by its name in any schema.

        What IF NOT EXISTS makes is not new where the database has it already.
        """
        facts = self.terms.facts
        makings = [
            (made, place)
            for made, place, maker in self._makings
            if not (maker.conditional and find_table(made, facts))
        ]
        named = [*makings, *((replace(made, schema=ANY), place) for made, place in makings)]
        return dict(reversed(named))

    @cached_property
    def _own(self) -> dict[Object, int]:
        """The same of those that it makes for certain."""
        makings = [(made, place) for made, place, maker in self._makings if not maker.conditional]
        return dict(reversed(makings))

    @cached_property
    def _makings(self) -> list[tuple[Object, int, Reading]]:
        return [
            (as_relation(made), statement.place, maker)
            for statement in self.statements
            if (maker := statement.impact.effect).verb == "create"
            for made in (maker.tables_written if maker.temporary else maker.objects)
        ]

    @cached_property
    def _holdings(self) -> list[tuple[int, tuple[Held, ...]]]:
        """The locks that are held behind each statement which takes or ends some."""
        found = {held.hold.on: held for held in self.terms.held}
        behind = [(0, self.terms.held)]
        for statement in self.statements:
            shutting, dropped = list(self._shutting(statement)), list(_dropped_by(statement))
            for hold in shutting:
                known = found.get(hold.on)
                if known is None or hold.is_stronger(known.hold):
                    found[hold.on] = Held(hold, f"statement {statement.place}")
            for gone in dropped:
                found.pop(gone, None)
            if shutting or dropped:
                behind.append((statement.place, tuple(found.values())))
        return behind

    def _shutting(self, statement: Reviewed) -> Iterator[Hold]:
        """Its locks on what others use already."""
        for hold in statement.impact.holds:
            if hold.blocks != "nothing" and not self.is_new(hold.on, statement):
                yield replace(hold, on=as_relation(hold.on))

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


def as_relation(one: Object) -> Object:
    """A materialized view as a table: statements that name either do not tell which."""
    return replace(one, kind="table") if one.kind == "materialized view" else one


def may_be(one: Object, other: Object) -> bool:
    """Whether both names may be those of one relation: one without a schema may be of any.

    >>> may_be(Object("table", "t", "public"), Object("table", "t"))
    True
    >>> may_be(Object("table", "t", "public"), Object("table", "t", "archive"))
    False
    """
    if one.name != other.name or as_relation(one).kind != as_relation(other).kind:
        return False
    return one.schema == other.schema or not (one.schema and other.schema)


def _dropped_by(statement: Reviewed) -> Iterator[Object]:
    """What nobody uses any more; a dropped index leaves its table, which stays closed."""
    effect = statement.impact.effect
    for one in effect.objects if effect.verb == "drop" else ():
        if one.kind != "index":
            yield as_relation(one)


def reached_by(statement: Reviewed) -> tuple[Object, ...]:
    """The tables whose rows a statement writes, and the objects that it makes, alters or drops."""
    effect = statement.impact.effect
    return (*effect.tables_written, *effect.objects)


def read_subject(
    statements: Iterable[Written],
    direction: Direction,
    transactional: bool,
    terms: Terms,
    text: str = "",
    first_line: int = 1,
) -> Subject:
    """The section that these statements are."""
    reader = READERS[terms.dialect.name]
    reviewed = tuple(
        Reviewed(place, one.line, one.sql, reader(one.sql, terms.dialect, terms.facts))
        for place, one in enumerate(statements, 1)
    )
    return Subject(reviewed, direction, transactional, terms, text, first_line)


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
