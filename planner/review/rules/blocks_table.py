"""`blocks-table`: others must wait while the server works on every row of a table."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.reading.reading import Hold
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "blocks-table"
COVERED_BY = frozenset(
    [
        *("adding-field-with-default", "adding-foreign-key-constraint", "changing-column-type"),
        *("adding-not-nullable-field", "adding-serial-primary-key-field"),
        *("constraint-missing-not-valid", "disallowed-unique-constraint"),
        *("require-concurrent-index-creation", "require-concurrent-reindex"),
    ]
)
BLOCKED = {"writes": "writes wait", "reads": "reads and writes wait", "nothing": ""}
WORK = {"scan": "reads every row", "rewrite": "rewrites every row", "none": ""}
ONLINE = (
    "Add `, ALGORITHM=INPLACE, LOCK=NONE`: the server then refuses it rather than block. "
    "Where it must copy, use gh-ost or pt-online-schema-change, or do it in quiet hours."
)
QUIET = "Do it while no session uses the table, or fill a new table and exchange the two."
OUTSIDE = "in a migration whose sections say `transaction:false`."
SAFER = {
    "create index": f"CREATE INDEX CONCURRENTLY, {OUTSIDE}",
    "reindex table": f"REINDEX TABLE CONCURRENTLY, {OUTSIDE}",
    "reindex index": f"REINDEX INDEX CONCURRENTLY, {OUTSIDE}",
    "refresh materialized view": "REFRESH MATERIALIZED VIEW CONCURRENTLY, with a unique index.",
    "vacuum full": "VACUUM without FULL; to give space back, pg_repack.",
}


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each table that a statement keeps closed for long."""
    for statement in subject.statements:
        for hold in statement.impact.holds:
            if hold.is_long and not subject.is_new(hold.on, statement):
                yield _finding(subject, statement, hold)


def _finding(subject: Subject, statement: Reviewed, hold: Hold) -> Finding:
    may = "" if hold.certain else "may "
    work = WORK[hold.work] if hold.certain else WORK[hold.work].replace("s every", " every")
    kind = statement.impact.reading.kind.upper()
    by = f" (ALGORITHM={hold.algorithm.upper()})" if hold.algorithm else ""
    return report(
        CODE,
        subject.grade(hold.on),
        statement,
        f"{kind}: {hold.lock} lock on {subject.describe(hold.on)}, {may}{work}{by}.",
        f"For as long as that takes, {BLOCKED[hold.blocks]}.",
        _safer(statement, hold),
    )


def _safer(statement: Reviewed, hold: Hold) -> str:
    if hold.algorithm:
        return ONLINE
    return SAFER.get(statement.impact.reading.kind, QUIET)
