"""The reader of each engine, by the name of its dialect: the one way to learn what SQL does.

Asks no server; what it depends on beside the text, the dialect and the facts say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.mysql import impact as mysql_impact
from lockgate.planner.reading.postgresql import effects as postgresql_effects
from lockgate.planner.reading.reaching import read_reaching
from lockgate.planner.sql.dialect import Dialect

READERS: dict[str, Callable[[str, Dialect, Facts], Impact]] = {
    "postgresql": postgresql_effects.read_impact,
    "mysql": mysql_impact.read_impact,
    "mariadb": mysql_impact.read_impact,
}
"""By the dialect's name."""


def read_impact(sql: str, dialect: Dialect, facts: Facts) -> Impact:
    """What one statement does, by the tables that there are."""
    impact = READERS[dialect.name](sql, dialect, facts)
    reaches_out = read_reaching(sql, dialect)
    if not reaches_out:
        return impact
    return replace(impact, reading=replace(impact.reading, reaches_out=reaches_out))
