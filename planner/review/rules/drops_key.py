"""`drops-key`: a table has no primary key any more.

https://www.postgresql.org/docs/current/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding
from lockgate.planner.reading.reading import Clause, Object
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "drops-key"
ENDING = "_pkey"
"""Of the name that the server gives a primary key."""


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each primary key that is dropped, unless its table has another one before
    others can see it without."""
    added = list(_find_keys(subject))
    own, last = set(added), {table: place for place, table in added}
    for statement in subject.statements:
        for clause in statement.impact.reading.clauses:
            if not _drops_key(clause, subject.terms.facts):
                continue
            later = subject.transactional and last.get(clause.table, 0) >= statement.place
            has_another = later or (statement.place, clause.table) in own
            if not has_another and not subject.is_new(clause.table, statement):
                yield _finding(statement, clause)


def _finding(statement: Reviewed, clause: Clause) -> Finding:
    return report(
        CODE,
        "warning",
        statement,
        f"{clause.table.name} has no primary key after it.",
        "Where the table is in a publication and has no other replica identity, each UPDATE and "
        "DELETE is refused from then on. ON CONFLICT and foreign keys need the key too.",
        "Build the new key's index concurrently first, and drop and add the key in one "
        "transaction; or set REPLICA IDENTITY USING INDEX before.",
    )


def _drops_key(clause: Clause, facts: Facts) -> bool:
    if clause.action != "drop constraint":
        return False
    table = find_table(clause.table, facts)
    if table is None or table.layout is None:
        return clause.name.endswith(ENDING)
    known = table.layout.constraints.get(clause.name)
    return known is not None and known.kind == "primary"


def _find_keys(subject: Subject) -> Iterator[tuple[int, Object]]:
    """The place of each statement that adds a primary key, and the table, in order."""
    for statement in subject.statements:
        for clause in statement.impact.reading.clauses:
            if "primary" in clause.words:
                yield statement.place, clause.table
