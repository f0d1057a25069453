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
    for statement in subject.statements:
        for clause in statement.impact.reading.clauses:
            is_moot = subject.is_new(clause.table, statement) or _has_another(
                subject, statement, clause.table
            )
            if _drops_key(clause, subject.terms.facts) and not is_moot:
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


def _has_another(subject: Subject, statement: Reviewed, table: Object) -> bool:
    """Whether the statement itself, or one after it in the same transaction, adds another key."""
    after = subject.statements[statement.place - 1 :] if subject.transactional else [statement]
    return any(
        "primary" in clause.words and clause.table == table
        for one in after
        for clause in one.impact.reading.clauses
    )
