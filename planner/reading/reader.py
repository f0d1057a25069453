"""The reader of each engine, by the name of its dialect: the one way to learn what SQL does.

Asks no server; what it depends on beside the text, the dialect and the facts say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.mysql import impact as mysql
from lockgate.planner.reading.postgresql import reader as postgresql
from lockgate.planner.reading.postgresql.weigh import weigh
from lockgate.planner.reading.reaching import changes_rights, read_reaching
from lockgate.planner.sql.dialect import Dialect


def read_impact(sql: str, dialect: Dialect, facts: Facts) -> Impact:
    """What one statement does by itself, by the tables that there are."""
    return next(read_impacts([sql], dialect, facts))


def read_impacts(
    statements: Iterable[str], dialect: Dialect, facts: Facts, *, transactional: bool = True
) -> Iterator[Impact]:
    """What a section's statements do, each as those before it have left the session."""
    texts = list(statements)
    if dialect.name == "postgresql":
        readings = postgresql.read_all(texts, transactional=transactional)
        impacts = (weigh(reading, facts) for reading in readings)
    else:
        impacts = (mysql.read_impact(sql, dialect, facts) for sql in texts)
    for sql, impact in zip(texts, impacts, strict=True):
        reaches_out, gives = read_reaching(sql, dialect), changes_rights(sql, dialect)
        if reaches_out or gives:
            reading = replace(impact.reading, reaches_out=reaches_out, changes_rights=gives)
            impact = replace(impact, reading=reading)
        yield impact
