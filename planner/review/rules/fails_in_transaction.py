"""`fails-in-transaction`: the server refuses a statement in a transaction, for what its table is.

What no transaction can hold whatever its table is, is refused when the file is read.
https://www.postgresql.org/docs/current/sql-reindex.html
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject, report

CODE = "fails-in-transaction"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each such statement."""
    for statement in subject.statements if subject.transactional else ():
        reading = statement.impact.reading
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
