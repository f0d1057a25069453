"""The reader of each engine, by the name of its dialect: the one way to learn what SQL does.

Asks no server; what it depends on beside the text, the dialect and the facts say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.mysql import impact as mysql
from lockgate.planner.reading.postgresql import reader as postgresql
from lockgate.planner.reading.postgresql.weigh import weigh
from lockgate.planner.sql.dialect import Dialect


def read_impact(sql: str, dialect: Dialect, facts: Facts) -> Impact:
    """What one statement does by itself, by the tables that there are."""
    return next(read_impacts([sql], dialect, facts))


def read_impacts(
    statements: Iterable[str], dialect: Dialect, facts: Facts, *, transactional: bool = True
) -> Iterator[Impact]:
    """What a section's statements do, each as those before it have left the session."""
    if dialect.name == "postgresql":
        for reading in postgresql.read_all(statements, transactional=transactional):
            yield weigh(reading, facts)
    else:
        for sql in statements:
            impact = mysql.read_impact(sql, dialect, facts)
            yield impact
            facts = mysql.after(facts, impact.reading)
