"""Whether the statements of a plan are SQL at all: PREPARE tells on MySQL and MariaDB.

It reads a statement and runs nothing of it. Whether the statement would be refused for another
reason depends on what runs before it, so only errors of syntax count.
https://dev.mysql.com/doc/refman/9.7/en/prepare.html
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from lockgate.executors.failure import Failure, ServerError
from lockgate.executors.mysql.connection import translated
from lockgate.executors.mysql.session import MySQLSession
from lockgate.planner.building.readings import full_reading
from lockgate.planner.database.server import Server
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.plan.statement import PlannedStatement

# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
SYNTAX, LOCK_WAIT = "1064", "1205"
NEAR_LENGTH = 80
"""Characters of the statement that the server repeats, from where it could not go on."""
LONGEST_ROWS, LONGEST = 50_000, 1_000_000
"""Characters: sending long statements twice costs more than it tells."""
BATCH, BATCH_LENGTH = 100, 1_000_000  # statements and characters, which must fit in one packet
PREPARE = "prepare lockgate from %s"
WAIT = "set session lock_wait_timeout = 1"  # PREPARE opens the tables that rows are read from

PreparedText = tuple[int, Step, int, PlannedStatement]


def find_syntax_error(session: MySQLSession, plan: Plan) -> Failure | None:
    """The first statement that the server cannot read; None: none was found."""
    asked = list(_asked(plan, session.server))
    if not asked:
        return None
    with session.asking_in_batches() as connection:
        for (number, step, place, statement), error in _refused(connection, asked):
            if error.code == LOCK_WAIT:  # others keep a table closed: ask no further
                return None
            if error.code == SYNTAX:
                return Failure(number, step, place, statement, _located(error, statement.sql))
    return None


def _asked(plan: Plan, server: Server) -> Iterator[PreparedText]:
    """The statements to ask about; from where a section sets another sql_mode, none of it."""
    for number, step in enumerate(plan.steps, 1):
        for statements in (step.statements, step.rollback or ()):
            for place, statement in enumerate(statements, 1):
                reading = full_reading(statement, server.dialect)
                if len(statement.sql) < (LONGEST_ROWS if reading.is_rows_only else LONGEST):
                    yield number, step, place, statement
                if "sql_mode" in reading.settings:
                    break


def _refused(
    connection: Any, asked: Sequence[PreparedText]
) -> Iterator[tuple[PreparedText, ServerError]]:
    """Those that could not be prepared; an error ends the batch that it is in."""
    with connection.cursor() as cursor, translated():
        cursor.execute(WAIT)
    first = 0
    while first < len(asked):
        taken, error = _prepare(connection, _batch(asked[first : first + BATCH]))
        first += taken
        if error is not None:
            yield asked[first], error
            first += 1


def _batch(asked: Sequence[PreparedText]) -> list[str]:
    """The texts of as many as may travel together, and of one at least."""
    texts = [_readable(statement) for _, _, _, statement in asked]
    ends = list(accumulate(map(len, texts)))
    return texts[: max(bisect_right(ends, BATCH_LENGTH), 1)]


def _readable(statement: PlannedStatement) -> str:
    """Its SQL, with parameters in the place of the bounds of a batch."""
    if statement.batch is None:
        return statement.sql
    parameters = ", ".join("?" * len(statement.batch.key))
    return statement.batch.fill(statement.sql, parameters, parameters, is_first=False)


def _prepare(connection: Any, texts: Sequence[str]) -> tuple[int, ServerError | None]:
    """How many of these, from the first on, the server has prepared, and what it said then."""
    taken = 0
    with connection.cursor() as cursor:
        try:
            with translated():
                cursor.execute(";".join(cursor.mogrify(PREPARE, (text,)) for text in texts))
                taken += 1
                while cursor.nextset():
                    taken += 1
        except ServerError as error:
            return taken, error
    return taken, None


def _located(error: ServerError, sql: str) -> ServerError:
    """The error with its position, where the server's message tells it."""
    rest = error.near
    if rest is None:
        return error
    if len(rest) < NEAR_LENGTH:
        position = len(sql) - len(rest)
    else:  # MariaDB says by three dots that there is more
        rest = rest.removesuffix("...")
        position = sql.find(rest)
    if position < 0 or not sql.startswith(rest, position):
        return error
    return ServerError(error.code, error.message, position=position + 1)
