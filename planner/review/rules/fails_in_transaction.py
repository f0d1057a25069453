"""`fails-in-transaction`: the server refuses a statement in a transaction, for what its table is,
for the value of an enum that the same section adds, or for a COMMIT in code that it runs.

What no transaction can hold whatever its table is, is refused when the file is read.
https://www.postgresql.org/docs/current/sql-reindex.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Reviewed, Subject, report

if TYPE_CHECKING:
    from lockgate.planner.reading.postgresql.enums import NewValues

CODE = "fails-in-transaction"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each such statement."""
    values = _new_values(subject)
    for statement in subject.statements if subject.transactional else ():
        reading = statement.impact.reading
        if values and (used := values.used_by(statement.sql)) is not None:
            yield _unsafe(statement, used)
        if values:
            values.follow(statement.sql, reading.kind)
        if reading.outside_only:
            yield report(
                CODE,
                "danger",
                statement,
                f"{reading.kind.upper()} cannot run in a transaction here: it works on a "
                "partitioned table.",
                "The server does each partition in a transaction of its own, so it refuses the "
                "statement, and the plan fails there.",
                "Move it to a migration whose sections say `transaction:false`, or name each "
                "partition.",
            )
        elif reading.commits == "may" and subject.terms.dialect.transactional_ddl:
            yield _committing(statement)


def _new_values(subject: Subject) -> NewValues | None:
    if not any(one.impact.reading.kind == "alter type" for one in subject.statements):
        return None
    from lockgate.planner.reading.postgresql.enums import NewValues

    return NewValues(subject.terms.dialect.version)


def _unsafe(statement: Reviewed, value: str) -> Finding:
    return report(
        CODE,
        "danger",
        statement,
        f"It may use the enum value '{value}', which the same section adds.",
        "PostgreSQL refuses to use a new value of an enum before it is committed, so the plan "
        "fails there.",
        "Use it in a migration after this one: the plan is cut between the two.",
    )


def _committing(statement: Reviewed) -> Finding:
    kind = statement.impact.reading.kind.upper()
    return report(
        CODE,
        "warning",
        statement,
        f"{kind} may run a procedure that commits, which no transaction allows.",
        "lockgate runs this section in one transaction. A COMMIT or ROLLBACK in the procedure "
        "fails there with `invalid transaction termination` (2D000), and the plan with it.",
        "See whether it commits. If it does, move the call to a migration whose sections say "
        "`transaction:false`.",
    )
