"""`drops-list`: one DROP TABLE of several tables that can stop between two of them."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.reading.mysql.algorithms import DROPS_LISTS_APART
from lockgate.planner.review.section import Subject, report

CODE = "drops-list"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each list, where the server drops one table after the other."""
    if subject.terms.dialect.name not in DROPS_LISTS_APART:
        return
    for statement in subject.statements:
        effect = statement.impact.reading
        tables = [one.name for one in effect.objects if one.kind == "table"]
        if effect.verb == "drop" and len(tables) > 1:
            yield report(
                CODE,
                "warning",
                statement,
                f"DROP TABLE of {len(tables)} tables drops them one by one.",
                "MariaDB makes the drop of each table atomic, and not that of the list: when it "
                "fails or the server dies in it, some are gone and some are not.",
                " ".join(f"DROP TABLE {table};" for table in tables),
            )
