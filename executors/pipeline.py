"""Statements in flight: sends many over one PostgreSQL connection before reading the first result.

libpq's pipeline mode (https://www.postgresql.org/docs/current/libpq-pipeline-mode.html): the
server runs the commands in order and skips the rest after an error, so a batch costs one round
trip. It uses the extended protocol only, which refuses two statements in one text.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from psycopg import Connection, DatabaseError, Error, OperationalError
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from executors.failure import ServerError
from planner.errors import Unreachable

IN_FLIGHT = 1000  # bounds the memory for texts and results of a long plan
WATCH = 0.5  # seconds of silence after which `on_silence` is called

Tag = TypeVar("Tag")
OnSilence = Callable[[float], None]
FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE, ExecStatus.NONFATAL_ERROR)


@dataclass(frozen=True, slots=True)
class Command(Generic[Tag]):
    """One statement on its way; `tag` is the caller's own mark for its result.

    `report` asks the server to send the result at once instead of with the next full buffer.
    `copy_data` are the rows of a COPY … FROM STDIN, which cannot travel in a pipeline.
    """

    sql: str
    tag: Tag
    parameters: Sequence[str | None] = ()
    report: bool = False
    copy_data: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Tag]):
    """A command's result: the rows that it touched or returned, and its seconds on the server."""

    command: Command[Tag]
    rows: int
    values: tuple[str | None, ...]
    seconds: float


class CommandFailed(Exception, Generic[Tag]):
    """The server refused a command; it skipped all that followed in the batch."""

    def __init__(self, command: Command[Tag], error: ServerError) -> None:
        super().__init__(str(error))
        self.command = command
        self.error = error


def ignore_silence(seconds: float) -> None:
    """Waits on."""


def run_pipelined(
    connection: Connection[tuple[object, ...]],
    commands: Iterable[Command[Tag]],
    on_silence: OnSilence = ignore_silence,
) -> Iterator[Outcome[Tag]]:
    """Yields the outcome of each command as it arrives; must be read to its end.

    A caller that leaves early, by an exception too, leaves the connection in the middle of
    the batch: close it then.

    Raises:
        CommandFailed: after the batch has ended, so the connection can be used again.
        Unreachable: the connection was lost.
    """
    pgconn = connection.pgconn
    try:
        pgconn.nonblocking = 1
        pgconn.enter_pipeline_mode()
        failed = yield from _exchange(pgconn, iter(commands), on_silence)
        pgconn.exit_pipeline_mode()
        pgconn.nonblocking = 0
    except OperationalError as error:
        raise Unreachable(f"The connection was lost: {str(error).strip()}.") from error
    if failed:
        raise failed


def run_copy(connection: Connection[tuple[object, ...]], command: Command[Tag]) -> Outcome[Tag]:
    """Sends a COPY … FROM STDIN with its rows, outside of a pipeline.

    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY

    Raises:
        CommandFailed, Unreachable: as `run_pipelined`.
    """
    started = time.monotonic()
    try:
        with connection.cursor() as cursor:
            with cursor.copy(command.sql.encode()) as copy:
                copy.write((command.copy_data or "").encode())
            rows = cursor.rowcount
    except OperationalError as error:
        if error.sqlstate is None:
            raise Unreachable(f"The connection was lost: {str(error).strip()}.") from error
        raise CommandFailed(command, from_driver(error)) from error
    except DatabaseError as error:
        raise CommandFailed(command, from_driver(error)) from error
    return Outcome(command, rows, (), time.monotonic() - started)


def _exchange(
    pgconn: PGconn, commands: Iterator[Command[Tag]], on_silence: OnSilence
) -> Generator[Outcome[Tag], None, CommandFailed[Tag] | None]:
    flight: deque[Command[Tag]] = deque()
    failed: CommandFailed[Tag] | None = None
    complete = False
    since = time.monotonic()
    while True:
        complete = complete or _fill(pgconn, flight, commands)
        _wait(pgconn, since, on_silence)
        for result in _arrived(pgconn):
            if result.status == ExecStatus.PIPELINE_SYNC:
                return failed
            command = flight.popleft()
            now = time.monotonic()
            if result.status in FAILED:
                failed = CommandFailed(command, read_error(result))
            elif result.status != ExecStatus.PIPELINE_ABORTED:
                yield Outcome(command, _rows(result), _values(result), now - since)
            since = now


def _fill(pgconn: PGconn, flight: deque[Command[Tag]], commands: Iterator[Command[Tag]]) -> bool:
    """Sends until enough is in flight; true when the batch is complete and its end was sent."""
    while len(flight) < IN_FLIGHT:
        command = next(commands, None)
        if command is None:
            pgconn.pipeline_sync()
            return True
        parameters = [None if p is None else p.encode() for p in command.parameters]
        pgconn.send_query_params(command.sql.encode(), parameters or None)
        if command.report:
            pgconn.send_flush_request()
        flight.append(command)
    pgconn.send_flush_request()
    return False


def _wait(pgconn: PGconn, since: float, on_silence: OnSilence) -> None:
    """Until the server has sent something; sends what is left over meanwhile."""
    while True:
        unsent = pgconn.flush()
        if not pgconn.is_busy():
            return
        readable, _, _ = select.select(
            [pgconn.socket], [pgconn.socket] if unsent else [], [], WATCH
        )
        if readable:
            pgconn.consume_input()
        elif not unsent:
            on_silence(time.monotonic() - since)


def _arrived(pgconn: PGconn) -> Iterator[PGresult]:
    """The results that can be read without waiting. libpq puts None between two commands'."""
    nothing = 0
    while nothing < 2 and not pgconn.is_busy():
        result = pgconn.get_result()
        if result is None:
            nothing += 1
            continue
        nothing = 0
        yield result
    if pgconn.status != ConnStatus.OK:
        raise OperationalError(pgconn.get_error_message())


def read_error(result: PGresult) -> ServerError:
    """The server's error report in a failed result."""

    def field(code: DiagnosticField) -> str:
        return (result.error_field(code) or b"").decode("utf-8", "replace")

    context = field(DiagnosticField.CONTEXT)
    detail = field(DiagnosticField.MESSAGE_DETAIL)
    return ServerError(
        field(DiagnosticField.SQLSTATE),
        field(DiagnosticField.MESSAGE_PRIMARY),
        detail="\n".join(part for part in (detail, context) if part),
        hint=field(DiagnosticField.MESSAGE_HINT),
        position=int(field(DiagnosticField.STATEMENT_POSITION) or 0),
    )


def from_driver(error: Error) -> ServerError:
    """The server's error report in an exception of psycopg."""
    report = error.diag
    return ServerError(
        error.sqlstate or "",
        report.message_primary or str(error).strip(),
        detail="\n".join(part for part in (report.message_detail, report.context) if part),
        hint=report.message_hint or "",
        position=int(report.statement_position or 0),
    )


def _rows(result: PGresult) -> int:
    return result.command_tuples or 0


def _values(result: PGresult) -> tuple[str | None, ...]:
    if not result.ntuples:
        return ()
    row = (result.get_value(0, column) for column in range(result.nfields))
    return tuple(None if value is None else value.decode() for value in row)
