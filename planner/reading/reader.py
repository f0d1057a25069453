"""The reader of each engine, by the name of its dialect: the one way to learn what SQL does.

Asks no server; what it depends on beside the text, the dialect and the facts say. Only the engine
that is asked for is imported: a reader costs a command a tenth of its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.planner.reading.absence import Absence
from lockgate.planner.reading.calls import Routines
from lockgate.planner.value import replace

if TYPE_CHECKING:
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.reading.impact import Impact
    from lockgate.planner.reading.reading import Reading
    from lockgate.planner.sql.dialect import Dialect


def read_section(
    statements: Iterable[str], dialect: Dialect, *, transactional: bool = True
) -> Iterator[Reading]:
    """What a section's statements do whatever tables there are, each as those before it have left
    the session."""
    if dialect.name == "postgresql":
        from lockgate.planner.reading.postgresql.reader import read_all

        return read_all(statements, transactional=transactional)
    from lockgate.planner.reading.mysql.reader import read

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
        self._facts = facts
        self._routines = Routines()
        self._absence = Absence(facts)
        if dialect.name == "postgresql":
            from lockgate.planner.reading.postgresql.weighing.edits import begin

            self._facts = begin(facts)

    def read(self, statements: Iterable[str], *, transactional: bool = True) -> Iterator[Impact]:
        """What a section's statements do, each as those before it have left the session."""
        for impact in self._read(statements, transactional):
            lost = self._routines.follow(impact.reading)
            yield replace(impact, loses=(*impact.loses, *lost)) if lost else impact

    def _read(self, statements: Iterable[str], transactional: bool) -> Iterator[Impact]:
        readings = self._absence.judge_all(
            read_section(statements, self._dialect, transactional=transactional)
        )
        if self._dialect.name == "postgresql":
            from lockgate.planner.reading.postgresql.weighing.following import follow
            from lockgate.planner.reading.postgresql.weighing.weigh import weigh

            for reading in readings:
                yield weigh(reading, self._facts)
                self._facts = follow(reading, self._facts)
            return
        from lockgate.planner.reading.mysql import impact as mysql

        facts = self._facts
        for reading in readings:
            yield mysql.weigh(reading, self._dialect, facts)
            facts = mysql.after(facts, reading)
        # What is set is the session's, and each section has a new one.
        self._facts = replace(facts, strict=self._facts.strict)
