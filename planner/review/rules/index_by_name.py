"""`index-by-name`: IF NOT EXISTS takes an index of the same name for the one that is wanted.

https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding
from lockgate.planner.reading.reading import Clause
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.review.section import Subject, report
from lockgate.planner.value import replace

CODE = "index-by-name"
WORDS = frozenset({"concurrently", "if not exists"})


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each index that is built concurrently unless its name is taken, where it may
    be."""
    for statement in subject.statements:
        for clause in statement.impact.reading.clauses:
            is_moot = subject.is_new(clause.table, statement) or not _may_be_there(
                clause, subject.terms.facts
            )
            if clause.action == "build index" and clause.words >= WORDS and not is_moot:
                yield report(
                    CODE,
                    "info",
                    statement,
                    f"An index {clause.name} that is there counts as this one, whatever it is of.",
                    "One that a failed build has left invalid counts too, unless lockgate runs "
                    "this: it takes that one away first.",
                    "Leave IF NOT EXISTS out: lockgate runs no migration twice.",
                )


def _may_be_there(clause: Clause, facts: Facts) -> bool:
    index = replace(clause.table, kind="index", name=clause.name)
    return not facts.tables or find_table(index, facts) is not None
