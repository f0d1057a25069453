"""`lock-held`: work on many rows while a lock that an earlier statement took shuts others out.

A lock is kept until its transaction ends, however short the statement was that took it.
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import SEVERITIES, Finding, Severity
from lockgate.planner.reading.reading import Object
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "lock-held"
WRITERS = ("update", "delete", "merge")


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement, about the gravest of its work."""
    for statement in subject.statements:
        work = list(_work(subject, statement)) if statement.held.count else []
        if work:
            yield _finding(statement, work)


def _work(subject: Subject, statement: Reviewed) -> Iterator[tuple[Severity, str]]:
    """What it does to many rows, or perhaps many; a small table is soon done with."""
    for table in _worked(statement):
        grade = subject.grade(table)
        if grade != "info" and not subject.is_new(table, statement):
            yield grade, f"works on {subject.describe(table)}"
    for table in _written(statement):
        if subject.grade(table) == "danger" and not subject.is_new(table, statement):
            yield "warning", f"works on {subject.describe(table)}"
    if statement.impact.reading.queries:
        yield "warning", "runs a query over an unknown number of rows"


def _worked(statement: Reviewed) -> Iterator[Object]:
    """The tables of which it reads or writes all rows."""
    impact = statement.impact
    yield from (hold.on for hold in impact.holds if hold.work != "none")
    if impact.reading.every_row:
        yield from impact.written


def _written(statement: Reviewed) -> Iterator[Object]:
    """The tables of which it writes the rows that a condition finds."""
    impact = statement.impact
    if impact.reading.kind in WRITERS and not impact.reading.every_row:
        yield from impact.written


def _finding(statement: Reviewed, work: list[tuple[Severity, str]]) -> Finding:
    severity, done = max(work, key=lambda one: SEVERITIES.index(one[0]))
    held = statement.held
    locks = [f"{one.hold.lock} on {one.hold.on.name} ({one.by})" for one in held.first]
    more = [f"{held.count - len(locks)} more"] if held.count > len(locks) else []
    shut = "reads and writes" if held.blocks == "reads" else "writes"
    return report(
        CODE,
        severity,
        statement,
        f"{statement.impact.reading.kind.upper()} {done} while the transaction "
        f"holds {', '.join(locks + more)}.",
        f"A lock is kept until COMMIT: {shut} wait for all of this work too.",
        "Do it in a transaction of its own: a migration of its own, with `transaction: step` in "
        "the environment. Or do it before the lock is taken.",
    )
