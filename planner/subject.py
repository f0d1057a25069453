"""What a lint rule looks at: one section of a migration, each statement of it read.

Judges nothing; the rules in `planner.rules` do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from planner import mysql_impact, postgresql_effects
from planner.dialect import Dialect
from planner.effects import Object
from planner.facts import Facts
from planner.finding import Finding, Severity
from planner.impact import Impact
from planner.plan import Direction
from planner.scale import SEVERITIES, Thresholds, describe_table, find_table, measure

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
class Terms:
    """What sections are judged by; empty facts make every size unknown.

    `made` are the tables that steps before made: nobody uses them yet.
    """

    dialect: Dialect
    facts: Facts = field(default_factory=Facts)
    thresholds: Thresholds = field(default_factory=Thresholds)
    made: frozenset[Object] = frozenset()


@dataclass(frozen=True, slots=True)
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
        """Whether the table was made before this statement, in the section or by a step before."""
        relation = _as_relation(table)
        return relation in self.terms.made or relation in self.made_before(statement.place)

    def made_before(self, place: int) -> frozenset[Object]:
        """What the section has made when the statement at this place begins.

        What IF NOT EXISTS makes is not new where the database has it already.
        """
        makers = (one.impact.effect for one in self.statements[: place - 1])
        return frozenset(
            _as_relation(made)
            for maker in makers
            if maker.verb == "create"
            for made in (maker.tables_written if maker.temporary else maker.objects)
            if not (maker.conditional and find_table(made, self.terms.facts))
        )

    @property
    def made(self) -> frozenset[Object]:
        """What it makes: for the sections behind it that is new."""
        return self.made_before(len(self.statements) + 1)

    def lost_by(self, statement: Reviewed) -> tuple[str, ...]:
        """What is gone with its data, as nouns; what the plan has made itself is no loss."""
        tables = reached_by(statement)
        is_new = bool(tables) and all(self.is_new(table, statement) for table in tables)
        return () if is_new else statement.impact.loses

    def grade(self, table: Object) -> Severity:
        """How much it matters that others must wait for work on all of the table."""
        return SEVERITIES[measure(table, self.terms.facts, self.terms.thresholds)]

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


def _as_relation(one: Object) -> Object:
    """A materialized view as a table: statements that name either do not tell which."""
    return replace(one, kind="table") if one.kind == "materialized view" else one


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
