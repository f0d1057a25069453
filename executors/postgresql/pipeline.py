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
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from psycopg import Connection, Error, OperationalError
from psycopg.errors import Diagnostic
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from lockgate.executors.events import ServerMessage
from lockgate.executors.failure import ServerError
from lockgate.planner.errors import Unreachable
from lockgate.planner.value import frozen

IN_FLIGHT = 1000  # statements; bounds the memory for the results of a long plan
# Characters of SQL. The end of a killed client's connection queues behind what the server does not
# read while it runs a statement, and so much has room in its socket's buffer.
HEAVY = 1 << 17
WATCH = 0.5  # seconds of silence after which `on_silence` is called
CHUNK = 1 << 16  # bytes of COPY data handed to libpq at once

Tag = TypeVar("Tag")
OnSilence = Callable[[float], None]
FATAL = ("FATAL", "PANIC")  # severities with which the server ends a session
CRASHED = "57P02"  # a warning, to the sessions that end because another one has crashed
NO_TRANSACTION = "25P01"  # a warning, of a ROLLBACK of ours that makes sure
FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE, ExecStatus.NONFATAL_ERROR)


class HeardConnection(Connection[tuple[Any, ...]]):
    """A connection that remembers why the server has ended it, if it has said so: libpq tells only
    that it was closed. `last_words` are its message and code. `listener` gets what else the
    server says beside its results; None: it is dropped."""

    last_words = ""
    listener: Callable[[ServerMessage], None] | None = None

    def __init__(self, pgconn: PGconn) -> None:
        super().__init__(pgconn)
        self._heard: deque[ServerMessage] = deque()
        self.add_notice_handler(self._hear)

    def _hear(self, said: Diagnostic) -> None:
        """A notice; what ends a session that runs nothing comes as one too."""
        if said.severity_nonlocalized in FATAL or said.sqlstate == CRASHED:
            self.last_words = f"{said.message_primary} ({said.sqlstate})"
        elif self.listener and said.sqlstate != NO_TRANSACTION:
            self._heard.append(_message_of(said))

    def tell(self) -> None:
        """Tells the listener what was heard. Not while libpq is at work: an exception, such as that
        of a signal, would be lost in it."""
        while self._heard and self.listener:
            self.listener(self._heard.popleft())


def _message_of(said: Diagnostic) -> ServerMessage:
    parts = (said.severity_nonlocalized or said.severity, said.sqlstate, said.message_primary,
             said.message_detail, said.message_hint)  # fmt: skip
    return ServerMessage(*(part or "" for part in parts))


def _tell(connection: Connection[Any]) -> None:
    if isinstance(connection, HeardConnection):
        connection.tell()


@frozen
class Command(Generic[Tag]):
    """One statement on its way; `tag` is the caller's own mark for its result.

    `report` asks the server to send the result at once instead of with the next full buffer.
    `copy_data` are the rows of a COPY … FROM STDIN, which cannot travel in a pipeline.
    `asks` wants the first value of the result, which is passed over otherwise.
    """

    sql: str
    tag: Tag
    parameters: Sequence[str | None] = ()
    report: bool = False
    copy_data: str | None = None
    asks: bool = False


@frozen
class CommandResult(Generic[Tag]):
    """A command's result: the rows that it touched or returned, its seconds on the server, and
    the first value, as text, for a command that asks."""

    command: Command[Tag]
    rows: int
    seconds: float
    answer: str = ""


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
    patience: float = WATCH,
) -> Iterator[CommandResult[Tag]]:
    """Yields the outcome of each command as it arrives; must be read to its end.

    A caller that leaves early, by an exception too, leaves the connection in the middle of
    the batch: close it then. `on_silence` is called each `patience` seconds without an answer.

    Raises:
        CommandFailed: after the batch has ended, so the connection can be used again.
        Unreachable: the connection was lost.
    """
    pgconn = connection.pgconn
    with losing(connection):
        pgconn.nonblocking = 1
        pgconn.enter_pipeline_mode()
        failed = yield from _exchange(connection, iter(commands), on_silence, patience)
        pgconn.exit_pipeline_mode()
        pgconn.nonblocking = 0
    if failed:
        raise failed


def run_copy(
    connection: Connection[tuple[object, ...]],
    command: Command[Tag],
    on_silence: OnSilence = ignore_silence,
    patience: float = WATCH,
) -> CommandResult[Tag]:
    """Sends a COPY … FROM STDIN with its rows, outside of a pipeline, by the extended protocol.

    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY

    Raises:
        CommandFailed, Unreachable: as `run_pipelined`.
    """
    pgconn = connection.pgconn
    started = time.monotonic()

    def wait() -> None:
        _wait(connection, started, on_silence, patience)

    with losing(connection):
        pgconn.nonblocking = 1
        pgconn.send_query_params(command.sql.encode(), None)
        result = _last_result(connection, wait)
        if result.status == ExecStatus.COPY_IN:
            _send_rows(pgconn, (command.copy_data or "").encode())
            result = _last_result(connection, wait)
        pgconn.nonblocking = 0
    if result.status in FAILED:
        raise CommandFailed(command, read_error(result))
    return CommandResult(command, _rows(result), time.monotonic() - started)


@contextmanager
def losing(connection: Connection[Any]) -> Iterator[None]:
    """A lost connection as our error, in the server's words if it has said any."""
    try:
        yield
    except OperationalError as error:
        raise lost_connection(connection, error) from error


def lost_connection(connection: Connection[Any] | None, error: Error) -> Unreachable:
    """The error of a connection that was lost."""
    words = getattr(connection, "last_words", "")
    said = f"the server has ended it: {words}" if words else str(error).strip()
    return Unreachable(f"The connection was lost: {said}.")


def _listen(connection: Connection[Any], result: PGresult) -> None:
    """Remembers what the server says as it ends the session."""
    severity = result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) or b""
    if severity.decode() in FATAL and isinstance(connection, HeardConnection):
        error = read_error(result)
        connection.last_words = f"{error.message} ({error.code})"


def _send_rows(pgconn: PGconn, rows: bytes) -> None:
    """Hands COPY its rows; a refused row ends the COPY early, and its result says so."""
    for start in range(0, len(rows), CHUNK):
        while pgconn.flush():
            _await_socket(pgconn, WATCH, sending=True)
        pgconn.put_copy_data(rows[start : start + CHUNK])
    pgconn.put_copy_end()


def _last_result(connection: Connection[Any], wait: Callable[[], None]) -> PGresult:
    """The result of the one command under way, or the server's invitation to send rows."""
    pgconn = connection.pgconn
    last: PGresult | None = None
    wait()
    while result := pgconn.get_result():
        last = result
        _listen(connection, result)
        if result.status == ExecStatus.COPY_IN:
            return result
        wait()  # the commit's error comes after it; a signal is heard here, not in libpq
    if last is None or pgconn.status != ConnStatus.OK:
        raise OperationalError(pgconn.get_error_message())
    return last


class _Flight(Generic[Tag]):
    """The commands that were sent and not answered, in order; `size` is that of their texts. The
    `next` one waits until it has room beside them."""

    def __init__(self, commands: Iterator[Command[Tag]]) -> None:
        self._rest = commands
        self.next = next(commands, None)
        self.commands: deque[Command[Tag]] = deque()
        self.last: Command[Tag]
        self.size = 0

    def has_room(self, command: Command[Tag]) -> bool:
        """Whether it may be sent; one that is too heavy may when it is alone."""
        if not self.commands:
            return True
        return len(self.commands) < IN_FLIGHT and self.size + _size(command) <= HEAVY

    def add(self, command: Command[Tag]) -> None:
        self.commands.append(command)
        self.size += _size(command)
        self.next = next(self._rest, None)

    def take(self) -> Command[Tag]:
        """The command that the next result belongs to.

        An error after the last result is the commit's, that comes with the end of the batch:
        a deferred constraint, which the last command is the nearest to have broken.
        """
        if self.commands:
            self.last = self.commands.popleft()
            self.size -= _size(self.last)
        return self.last


def _size(command: Command[Any]) -> int:
    """The characters that it sends, each of which may be several bytes, and what is around them."""
    return 50 + len(command.sql) + sum(len(one) for one in command.parameters if one)


def _exchange(
    connection: Connection[Any],
    commands: Iterator[Command[Tag]],
    on_silence: OnSilence,
    patience: float,
) -> Generator[CommandResult[Tag], None, CommandFailed[Tag] | None]:
    pgconn = connection.pgconn
    flight: _Flight[Tag] = _Flight(commands)
    failed: CommandFailed[Tag] | None = None
    complete = False
    since = time.monotonic()
    while True:
        complete = complete or _fill(pgconn, flight)
        _wait(connection, since, on_silence, patience)
        for result in _arrived(pgconn):
            _tell(connection)
            if result.status == ExecStatus.PIPELINE_SYNC:
                return failed
            command = flight.take()
            now = time.monotonic()
            if result.status in FAILED:
                _listen(connection, result)
                failed = CommandFailed(command, read_error(result))
            elif result.status != ExecStatus.PIPELINE_ABORTED:
                yield CommandResult(command, _rows(result), now - since, _answer(command, result))
            since = now


def _fill(pgconn: PGconn, flight: _Flight[Tag]) -> bool:
    """Sends until enough is in flight; true when the batch is complete and its end was sent."""
    while (command := flight.next) and flight.has_room(command):
        flight.add(command)
        parameters = [None if p is None else p.encode() for p in command.parameters]
        if command.report:  # its time is not that of what came before it
            pgconn.send_flush_request()
        pgconn.send_query_params(command.sql.encode(), parameters or None)
        if command.report:
            pgconn.send_flush_request()
    if flight.next is None:
        pgconn.pipeline_sync()
        return True
    pgconn.send_flush_request()
    return False


def _wait(
    connection: Connection[Any], since: float, on_silence: OnSilence, patience: float
) -> None:
    """Until the server has sent a result; sends what is left over meanwhile."""
    pgconn = connection.pgconn
    while True:
        unsent = bool(pgconn.flush())
        if not pgconn.is_busy():
            return
        _tell(connection)
        if not _await_socket(pgconn, patience, sending=unsent) and not unsent:
            on_silence(time.monotonic() - since)


def _await_socket(pgconn: PGconn, seconds: float, *, sending: bool) -> bool:
    """Reads what has arrived; false when nothing does, unless the socket takes what we send."""
    sockets = [pgconn.socket]
    readable, writable, _ = select.select(sockets, sockets if sending else [], [], seconds)
    if readable:
        pgconn.consume_input()
    return bool(readable or writable)


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


def _answer(command: Command[Tag], result: PGresult) -> str:
    value = result.get_value(0, 0) if command.asks else None
    return (value or b"").decode("utf-8", "replace")


def _rows(result: PGresult) -> int:
    return result.command_tuples or 0


def numbered(sql: str) -> str:
    """SQL with `%s` as PostgreSQL's protocol wants it.

    >>> numbered("values (%s, %s)")
    'values ($1, $2)'
    """
    head, *rest = sql.split("%s")
    return head + "".join(f"${place}{part}" for place, part in enumerate(rest, 1))


def as_texts(values: Iterable[object]) -> tuple[str | None, ...]:
    """Parameters in the protocol's text format."""
    return tuple(None if value is None else str(value) for value in values)
