"""The reader of each engine, by the name of its dialect: the one way to learn what SQL does.

Asks no server; what it depends on beside the text, the dialect and the facts say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.mysql import impact as mysql
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.postgresql import reader as postgresql
from lockgate.planner.reading.postgresql.weighing import following
from lockgate.planner.reading.postgresql.weighing.weigh import weigh
from lockgate.planner.reading.reading import Reading
from lockgate.planner.sql.dialect import Dialect


def read_section(
    statements: Iterable[str], dialect: Dialect, *, transactional: bool = True
) -> Iterator[Reading]:
    """What a section's statements do whatever tables there are, each as those before it have left
    the session."""
    if dialect.name == "postgresql":
        return postgresql.read_all(statements, transactional=transactional)
    return (read(sql, dialect) for sql in statements)


def read_impacts(
    statements: Iterable[str], dialect: Dialect, facts: Facts, *, transactional: bool = True
) -> Iterator[Impact]:
    """What a section's statements do, each as those before it have left the session."""
    return ImpactReader(dialect, facts).read(statements, transactional=transactional)


class ImpactReader:
    """Reads section after section, each by the tables as those before it leave them."""

    def __init__(self, dialect: Dialect, facts: Facts) -> None:
        self._dialect = dialect
        self._facts = following.begin(facts) if dialect.name == "postgresql" else facts

    def read(self, statements: Iterable[str], *, transactional: bool = True) -> Iterator[Impact]:
        """What a section's statements do, each as those before it have left the session."""
        if self._dialect.name != "postgresql":
            facts = self._facts  # what is set is the session's, and each section has a new one
            for sql in statements:
                impact = mysql.read_impact(sql, self._dialect, facts)
                yield impact
                facts = mysql.after(facts, impact.reading)
            return
        for reading in postgresql.read_all(statements, transactional=transactional):
            yield weigh(reading, self._facts)
            self._facts = following.follow(reading, self._facts)
