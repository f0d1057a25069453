"""What a plan's statements do on MySQL and MariaDB: the executor's one way to the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.reading.mysql.reader import read

if TYPE_CHECKING:
    from lockgate.planner.plan.statement import PlannedStatement
    from lockgate.planner.reading.reading import Reading
    from lockgate.planner.sql.dialect import Dialect


def reading_of(statement: PlannedStatement, dialect: Dialect) -> Reading:
    """What a statement does, by the rules of the server that runs it; one is read once."""
    return read(statement.sql, dialect)
