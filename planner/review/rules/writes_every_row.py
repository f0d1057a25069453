"""`writes-every-row`: an UPDATE without a condition."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.reading import Object
from lockgate.planner.review.section import Subject, report

CODE = "writes-every-row"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each; none where a DELETE loses the rows, which is said elsewhere."""
    for statement in subject.statements:
        impact = statement.impact
        views = {table: view for view, table in impact.through}
        for table in impact.written if impact.reading.every_row else ():
            if not _updates_all(impact, views.get(table, table)):
                continue
            shown = f" that {views[table].name} shows" if table in views else ""
            if not subject.is_new(table, statement):
                yield report(
                    CODE,
                    subject.grade(table),
                    statement,
                    f"UPDATE without WHERE writes every row of {subject.describe(table)}{shown}.",
                    "What it sets has no old values afterwards. Each row stays locked until the "
                    "transaction ends, and its old version takes space until it is cleaned away.",
                    "Write in batches, each in a transaction of its own.",
                )


def _updates_all(impact: Impact, named: Object) -> bool:
    """Whether every row of a table that it names is updated, and not deleted."""
    written = [one for one in impact.reading.clauses if one.action == "write rows"]
    if not written:
        return not impact.loses
    return any(one.table == named and one.words >= {"update", "every row"} for one in written)
