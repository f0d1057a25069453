"""`lock-held`: work on many rows while a lock that an earlier statement took shuts others out.

A lock is kept until its transaction ends, however short the statement was that took it.
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.effects import Object
from planner.finding import SEVERITIES, Finding, Severity
from planner.subject import Held, Reviewed, Subject, may_be, report

CODE = "lock-held"
WRITERS = ("update", "delete", "merge")
SHOWN = 3  # locks; the rest are counted


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement, about the largest table that it works on."""
    for statement in subject.statements:
        worked = list(_worked(subject, statement))
        held = [one for one in subject.held_before(statement.place) if not _covers(statement, one)]
        if worked and held:
            yield _finding(subject, statement, worked, held)


def _worked(subject: Subject, statement: Reviewed) -> Iterator[tuple[Severity, Object]]:
    """The tables of which it reads or writes all rows, or perhaps many."""
    impact = statement.impact
    for table in (hold.on for hold in impact.holds if hold.work != "none"):
        if not subject.is_new(table, statement):
            yield subject.grade(table), table
    for table in impact.effect.tables_written if impact.kind in WRITERS else ():
        if not subject.is_new(table, statement):
            grade = subject.grade(table)
            yield grade if impact.every_row or grade == "info" else "warning", table


def _covers(statement: Reviewed, held: Held) -> bool:
    """Whether it keeps the same table closed by itself, which is said elsewhere."""
    return any(
        hold.is_long and may_be(hold.on, held.hold.on) and not held.hold.is_stronger(hold)
        for hold in statement.impact.holds
    )


def _finding(
    subject: Subject, statement: Reviewed, worked: list[tuple[Severity, Object]], held: list[Held]
) -> Finding:
    severity, table = max(worked, key=lambda one: SEVERITIES.index(one[0]))
    locks = [f"{one.hold.lock} on {one.hold.on.name} ({one.by})" for one in held]
    more = [f"{len(locks) - SHOWN} more"] if len(locks) > SHOWN else []
    shut = "reads and writes" if any(one.hold.blocks == "reads" for one in held) else "writes"
    return report(
        CODE,
        severity,
        statement,
        f"{statement.impact.kind.upper()} works on {subject.describe(table)} while the transaction "
        f"holds {', '.join(locks[:SHOWN] + more)}.",
        f"A lock is kept until COMMIT: {shut} wait for all of this work too.",
        "Do it in a transaction of its own: a migration of its own, with `transaction: step` in "
        "the environment. Or do it before the lock is taken.",
    )
