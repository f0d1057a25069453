"""Squawk's rules for PostgreSQL: which are heeded, and how much each matters by a table's size.

Runs nothing: `executors.programs.squawk` does. https://squawkhq.com/docs/rules
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from lockgate.planner.finding import SEVERITIES, Finding, Severity
from lockgate.planner.reading.reading import Object
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.review.section import Reviewed, Subject

HazardKind = Literal["lock", "wait", "loss", "break", "fail"]
"""`lock`: others wait, the longer the larger the table. `wait`: they wait until the lock is had,
and then for a moment. `loss`: data is gone; in a way back that is what it is for. `break`: running
programs fail. `fail`: the statement itself fails."""

UNREAD = "not-linted"
RULES: dict[str, HazardKind] = {
    "adding-field-with-default": "lock",
    "adding-foreign-key-constraint": "lock",
    "adding-not-nullable-field": "lock",
    "adding-required-field": "fail",
    "adding-serial-primary-key-field": "lock",
    "ban-concurrent-index-creation-in-transaction": "fail",
    "ban-drop-column": "loss",
    "ban-drop-database": "loss",
    "ban-drop-table": "loss",
    "ban-truncate-cascade": "loss",
    "ban-uncommitted-transaction": "fail",
    "changing-column-type": "lock",
    "constraint-missing-not-valid": "lock",
    "disallowed-unique-constraint": "lock",
    "renaming-column": "break",
    "renaming-table": "break",
    "require-concurrent-index-creation": "lock",
    "require-concurrent-index-deletion": "wait",
    "require-concurrent-partition-detach": "wait",
    "require-concurrent-reindex": "lock",
}
# Of two findings of one statement that say the same, the one that says more.
REPEATS = {
    "constraint-missing-not-valid": frozenset(
        {"adding-foreign-key-constraint", "disallowed-unique-constraint"}
    )
}
WHY: dict[HazardKind, str] = {
    "lock": "Others wait for as long as it takes, and all who come after them wait too.",
    "wait": "It waits for sessions that use the table, and every later session queues behind it.",
    "loss": "No rollback that comes later brings the data back, and what still reads it fails.",
    "break": "Programs that run now use the old name, and fail until they are all replaced.",
    "fail": "The server refuses it, at the latest where the table has rows.",
}


VOLATILE = (
    "The default of {} gives each row a value of its own, so every row is written again under "
    "ACCESS EXCLUSIVE: reads and writes wait."
)
SAFER = {
    "changing-column-type": "Add a column of the new type beside the old one, fill it in batches, "
    "let programs use it, and drop the old one in a later migration.",
}
"""Where squawk has no advice."""


@frozen
class Violation:
    """What squawk says of a statement, which is the `place`th of its section, from 1; `line` is
    that of the migration's file."""

    rule: str
    place: int
    line: int
    message: str
    help: str


def read_violation(violation: Violation, subject: Subject) -> Finding | None:
    """The finding that a violation is; None for a rule that is not heeded."""
    if violation.rule == "syntax-error":
        return _unread(violation)
    kind = RULES.get(violation.rule)
    if kind is None:
        return None
    statement = subject.statements[violation.place - 1]
    tables = _old_tables(kind, statement, subject)
    severity = None if _is_moot(kind, statement, tables) else _severity(kind, tables, subject)
    if severity is None:
        return None
    sizes = "; ".join(subject.describe(table) for table in tables or ())
    return Finding(
        code=violation.rule,
        severity=severity,
        statement=statement.place,
        line=violation.line,
        message=f"{_default_of(violation, statement, subject) or violation.message}"
        f"{f' [{sizes}]' if sizes else ''}",
        why=WHY[kind],
        safer=violation.help or SAFER.get(violation.rule, ""),
        tool="squawk",
    )


def _default_of(violation: Violation, statement: Reviewed, subject: Subject) -> str:
    """Which default has every row written, where it is one; squawk speaks of a generated column."""
    if violation.rule != "adding-field-with-default":
        return ""
    volatile = set(subject.terms.facts.volatile)
    found = [one for one in statement.impact.reading.clauses if one.action == "add column"
             and (one.volatility == "volatile" or volatile & set(one.calls))]  # fmt: skip
    told = [f"{one.table.name}.{one.name} ({one.definition})" for one in found]
    return VOLATILE.format(", ".join(told)) if told else ""


def drop_repeated(found: Sequence[Finding]) -> Iterable[Finding]:
    """The findings without those that repeat another of the same statement."""
    for _, group in groupby(
        sorted(found, key=lambda one: one.statement), lambda one: one.statement
    ):
        seen: set[str] = set()
        together = list(group)
        codes = {one.code for one in together}
        for one in together:
            if one.code not in seen and not REPEATS.get(one.code, frozenset()) & codes:
                yield one
            seen.add(one.code)


def unlinted(subject: Subject) -> Finding:
    """That squawk fails on a section: it may be written so that it does."""
    return Finding(
        code=UNREAD,
        severity="danger",
        line=subject.statements[0].line,
        message="squawk fails on this section.",
        why="Its rules were not applied here, so what they would find is not known.",
        safer="Write it in simpler statements. A waiver says that it was read by a person.",
        tool="squawk",
    )


def _unread(violation: Violation) -> Finding:
    return Finding(
        code=UNREAD,
        severity="info",
        line=violation.line,
        message=f"squawk cannot read this section: {violation.message}.",
        why="Its rules were not applied here; lockgate's own were.",
        safer="",
        tool="squawk",
    )


def _is_moot(kind: HazardKind, statement: Reviewed, tables: tuple[Object, ...]) -> bool:
    """Whether what squawk takes for granted is not so: no session uses a table that the plan itself
    has made, by the facts there may be no work that others have to wait for, and what is not there
    is not changed."""
    if statement.impact.reading.is_idle:
        return True
    is_known = bool(statement.impact.holds) or (
        kind == "lock" and not statement.impact.reading.unread
    )
    return is_known and kind != "fail" and not tables


def _old_tables(kind: HazardKind, statement: Reviewed, subject: Subject) -> tuple[Object, ...]:
    """The tables that it is about and others use: those whose data goes, or that are kept closed
    for long, or any that it locks."""
    held = [one for one in statement.impact.holds if kind != "lock" or one.is_long]
    reached = statement.reached if kind == "loss" else ()
    found = [one.on for one in held if not reached or one.on in reached]
    return tuple(table for table in found if not subject.is_new(table, statement))


def _severity(kind: HazardKind, tables: tuple[Object, ...], subject: Subject) -> Severity | None:
    if kind == "loss":
        return subject.grade_loss(tables)
    if kind in ("break", "fail"):
        return "danger" if kind == "fail" else "warning"
    grades = {subject.grade(table) for table in tables} or {"warning"}
    if kind == "wait":
        return "info" if grades == {"info"} else "warning"
    return max(grades, key=SEVERITIES.index)
