"""A session on PostgreSQL: its statements in flight, and how a section leaves it.

Runs no plan, as `units` do; knows of the ledger only where it lies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from lockgate.executors.costs.waits import EVERY
from lockgate.executors.engine import Look, Session
from lockgate.executors.events import Emit
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.location import locate
from lockgate.executors.ledger.tables import history_name
from lockgate.executors.postgresql.blockers import WAITS, Watch
from lockgate.executors.postgresql.connection import (
    END_WAIT,
    Connection,
    await_end,
    open_connection,
    query_read_only,
    read_greeting,
    translated,
)
from lockgate.executors.postgresql.ledger import find_ledgers, without_schema
from lockgate.executors.postgresql.own_settings import (
    ENTER,
    ENTER_LOCALLY,
    LEAVE,
    RESET,
    SETTINGS,
)
from lockgate.executors.postgresql.pipeline import (
    WATCH,
    Command,
    CommandFailed,
    CommandResult,
    OnSilence,
    ignore_silence,
    run_copy,
    run_pipelined,
)
from lockgate.executors.postgresql.pooler import IF_OURS, find_process, leave_clean, unknown_pooler
from lockgate.planner.database.server import Server, dialect_of, refuse_old_server
from lockgate.planner.errors import Interrupted, Unreachable, UsageError
from lockgate.planner.quoting import double_quoted

if TYPE_CHECKING:
    from lockgate.executors.batches.key import BatchKey
    from lockgate.executors.engine import Row
    from lockgate.executors.postgresql.gauge import StatementGauge
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.statement import Batch


class PostgreSQLSession(Session):
    """A session on a PostgreSQL database; `gauge` measures what runs on it, if one is there."""

    lost_code = "08006"  # https://www.postgresql.org/docs/current/errcodes-appendix.html

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self._address = address
        program = f"lockgate {environment.name}"
        self._program = address.options.get("application_name", program)
        self._project, self._environment = environment.project, environment.name
        self._connect_timeout = environment.timeouts.connect
        self.lock_timeout = environment.timeouts.lock
        self.statement_timeout = environment.timeouts.statement
        self.lock_retries = environment.retries.lock
        self._blockers = environment.blockers
        self._history, self.readers = environment.history, environment.history.readers
        self.unmanaged, self.drift_scope = environment.unmanaged, environment.drift_scope
        self.schema = environment.place.schema if environment.place else None
        self._is_shared = environment.fleet is not None or self.schema is not None
        self.gauge: StatementGauge | None = None
        self._pooler = environment.pooler
        # The server's process, which libpq forgets when it is lost, and whether a pooler gave it.
        self._pid, self.is_pooled, self._unit_pid = 0, False, 0
        self._transaction = ""  # the id that the lost session showed
        self._connection = self.open()
        try:
            self.server = self._read_server(environment.history.schema_)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.is_pooled:
            leave_clean(self._connection)
        self._connection.close()

    @property
    def is_open(self) -> bool:
        """Whether the connection is not known to be lost."""
        return not self._connection.closed

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._run(sql, parameters).rowcount

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with translated(self._connection):
            return self._run(sql, parameters).fetchall()

    def quote(self, identifier: str) -> str:
        return double_quoted(identifier)

    def query_read_only(self, sql: str) -> list[dict[str, Any]]:
        """The rows of somebody else's query by their columns, under the server's own settings."""
        with self.as_given():
            return query_read_only(self._connection, sql)

    def look(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query of lockgate's own, in the middle of a section; the section's
        settings are in force again after it."""
        with translated(self._connection), self._connection.pipeline():
            self._connection.execute("begin")
            self._connection.execute(ENTER_LOCALLY)
            cursor = self._connection.execute(sql.encode(), parameters or None)
            self._connection.execute("commit")
        return cursor.fetchall()

    def find_batch_key(self, batch: Batch) -> BatchKey | None:
        from lockgate.executors.postgresql.batches.key import read_key

        return read_key(self, batch)

    @contextmanager
    def as_given(self) -> Iterator[None]:
        """The block under the server's own settings, as a migration finds them."""
        self.execute(LEAVE)
        try:
            yield
        finally:
            if self._connection.pgconn.status == ConnStatus.OK and not self._is_busy():
                self.execute(ENTER)

    def read_together(self, queries: Iterable[str]) -> list[list[Row]]:
        # One flight, one snapshot.
        with self.ending_when_busy():
            try:
                with translated(self._connection):
                    return self._read_in_flight(queries)
            except ServerError:
                self.roll_back()
                raise

    def pipelined(
        self, commands: Iterable[Command[Any]], on_silence: OnSilence = ignore_silence
    ) -> Iterator[CommandResult[Any]]:
        """The outcomes of commands that travel together; those of COPY travel alone."""
        if self.gauge is None:
            return self._pipelined(commands, on_silence)
        return self.gauge.sift(self._pipelined(self.gauge.probing(commands), on_silence))

    def transact(self, commands: Iterable[Command[Any]]) -> list[CommandResult[Any]]:
        """The outcomes of commands of our own, in a transaction of their own."""
        begin, commit = Command("begin read write", None), Command("commit", None)
        whole = chain([begin], commands, [commit])
        with self.ending_when_busy():
            try:
                return list(self.pipelined(whole))[1:-1]
            except CommandFailed as failed:
                self.roll_back()
                raise failed.error from failed

    def roll_back(self) -> None:
        """Ends the open transaction without keeping anything of it."""
        self.execute("rollback")

    def settings_command(self, tag: Any) -> Command[Any]:
        """Sets the session as every section is to find it."""
        statement = self.statement_timeout
        limits = (
            f"{self.lock_timeout * 1000:.0f}",
            None if statement is None else f"{statement * 1000:.0f}",
            self._program,
        )
        return Command(SETTINGS, tag, limits)

    def reset_commands(self, tag: Any) -> list[Command[Any]]:
        """Give the session back as it was before the section."""
        return [*(Command(sql, tag) for sql in RESET), self.settings_command(tag)]

    @contextmanager
    def patient(self) -> Iterator[None]:
        """The block without a lock timeout; the session's own is back after it, unless the block
        has left the connection lost or in the middle of a batch: then the session ends."""
        before = self.query_one("select pg_catalog.current_setting('lock_timeout')")
        self.execute("set lock_timeout = 0")
        try:
            yield
        finally:
            if self._connection.pgconn.status == ConnStatus.OK and not self._is_busy():
                restore = "select pg_catalog.set_config('lock_timeout', %s, false)"
                self.execute(restore, before or ())

    @contextmanager
    def watching(self, emit: Emit) -> Iterator[Watch]:
        """A watch over what blocks this session, for the block's statements; what the server says
        beside their results is passed on too."""
        watch, heard = Watch(self._pid, self._connect, emit, self._blockers), self._connection
        heard.listener = emit
        try:
            yield watch
        finally:
            heard.listener = None
            watch.close()

    @contextmanager
    def looking_on(self) -> Iterator[Callable[[], Look]]:
        with translated(), closing(self._connect()) as aside:
            yield lambda: Look([one for (one,) in aside.execute(WAITS, (EVERY, self._pid))])

    def end_session(self) -> None:
        """Cancels what runs and ends the session; returns when the server has ended it too, so
        that its transaction is rolled back and its lock is free.

        Raises:
            Unreachable: the server cannot be asked, or it does not end the session.
        """
        if self._connection.pgconn.status == ConnStatus.OK:
            with suppress(psycopg.Error):  # the server is asked again, by another session
                self._connection.cancel_safe(timeout=END_WAIT)
        self._connection.close()
        await_end(self._pid, self._connect, self._program if self.is_pooled else None)
        self._connection = self._connect()
        self._pid, self.is_pooled = find_process(self._connection, self._pooler, self.open)

    @contextmanager
    def ending_when_busy(self) -> Iterator[None]:
        """Ends the session when an error leaves the block in the middle of a batch or of a
        transaction: nothing more can be asked on that connection."""
        try:
            yield
        except BaseException as error:
            if self._is_busy():
                self._end_after(error)
            raise

    def note_process(self) -> None:
        """Notes which of the server's processes runs a unit."""
        self._unit_pid = self._pid

    def leave(self) -> None:
        from lockgate.executors.postgresql.units.commit_status import shown_transaction

        self._transaction = shown_transaction(self._connection)
        self._connection.close()
        self._connection.pgconn.finish()  # a lost one is left in its pipeline by `close`

    def end_idle(self, key: tuple[int, int]) -> None:
        """Ends what is left of the lost session on the server, if it waits for us and holds the
        advisory lock of this key."""
        from lockgate.executors.postgresql.units.commit_status import END_IDLE

        self.query_all(END_IDLE, (self._unit_pid, self.server.now, *key))

    def transaction_outcome(self) -> bool | None:
        from lockgate.executors.postgresql.units.commit_status import OUTCOMES, READ_OUTCOME

        if not self._transaction:
            return None
        try:
            row = self.query_one(READ_OUTCOME, (self._transaction, self.server.now))
        except ServerError:  # the id is in the future: the server has crashed and forgotten it
            return None
        return OUTCOMES.get(row[0]) if row else None

    def reopen(self) -> None:
        """Opens a session like the one that was lost.

        Raises:
            Unreachable, WrongTarget: not the server that was lost answers.
        """
        from lockgate.executors.commit_outcome import refuse_another_server

        self._connection = self.open()
        try:
            refuse_another_server(self.server, self._read_server(self.history_schema))
        except BaseException:
            self._connection.close()
            raise

    def open(self) -> Connection:
        """A session as the server gives it."""
        connection = open_connection(self._address, self._program, self._connect_timeout)
        refuse_old_server("postgresql", connection.info.server_version)
        return connection

    def _pipelined(
        self, commands: Iterable[Command[Any]], on_silence: OnSilence
    ) -> Iterator[CommandResult[Any]]:
        patience = min(WATCH, self.lock_timeout / 3)  # who blocks us must be seen in time
        rest, copies = iter(commands), list[Command[Any]]()

        def travelling() -> Iterator[Command[Any]]:
            """Those before the next COPY, as they are wanted: there may be much text in them."""
            for command in rest:
                if command.copy_data is not None:
                    copies.append(command)
                    return
                yield command

        while True:
            yield from run_pipelined(self._connection, travelling(), on_silence, patience)
            if not copies:
                return
            yield run_copy(self._connection, copies.pop(), on_silence, patience)

    def _end_after(self, error: BaseException) -> None:
        """`end_session`; where that fails, the error that came first is the one to be told."""
        from lockgate.executors.run_errors import unknown_end

        try:
            self.end_session()
        except Unreachable as lost:
            if isinstance(error, Interrupted):
                raise unknown_end(lost) from error
            error.add_note(lost.what)

    def _is_busy(self) -> bool:
        pgconn = self._connection.pgconn
        idle = (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)
        return bool(pgconn.pipeline_status) or pgconn.transaction_status not in idle

    def _read_in_flight(self, queries: Iterable[str]) -> list[list[Row]]:
        with self._connection.pipeline():
            self._connection.execute("begin isolation level repeatable read, read only")
            cursors = [self._connection.execute(sql.encode()) for sql in queries]
            self._connection.execute("commit")
        return [cursor.fetchall() for cursor in cursors]

    def _run(self, sql: str, parameters: Sequence[object]) -> psycopg.Cursor[Row]:
        with translated(self._connection):
            return self._connection.execute(sql.encode(), parameters or None)

    def _connect(self) -> Connection:
        """A session for lockgate's own questions."""
        connection = self.open()
        with translated():
            connection.execute(ENTER)
        return connection

    def _read_server(self, named: str | None) -> Server:
        self._pid, self.is_pooled = find_process(self._connection, self._pooler, self.open)
        settings = self.settings_command(None)
        default, lacking, path, *facts = read_greeting(
            self._connection,
            named,
            re.sub(r"\$\d", "%s", settings.sql.replace("%", "%%")) + IF_OURS,
            (*settings.parameters, str(self._pid)),
            (self.schema or "") if self._is_shared else None,
        )
        version, number, database, now, pid, read_only, oid, ledgers, columns, system = facts
        if pid != self._pid:
            raise unknown_pooler()
        if set(ledgers) - {default}:
            found = locate(find_ledgers(self), named, default, self._project, self._environment)
            lacking, default = lacking and found == default, found
        self._remember(default, lacking, path)
        named_here = (each[1:] for each in columns if each[0] == default)
        self.history_name = history_name(self._history, named_here)
        marks = {"database_oid": oid, "system_identifier": system}
        return Server(
            dialect=dialect_of("postgresql", number),
            version=version,
            database=database,
            history_table=f"{self.history_schema}.{self.history_name}",
            evidence={name: value for name, value in marks.items() if value},
            now=datetime.fromtimestamp(now, UTC).replace(microsecond=0),
            read_only=read_only,
        )

    def _remember(self, schema: str | None, lacking: bool, path: str) -> None:
        """Where the ledger lies, and the search_path that the server gives a migration.

        Raises:
            UsageError: there is no such place, or none that lockgate can write to.
        """
        if schema is None or "%" in schema:
            what = f"The schema {schema} has a % in its name, which lockgate cannot write to."
            do = "Set `history: {schema: …}` in the environment."
            raise without_schema(self, path) if schema is None else UsageError(what, do=do)
        self.history_schema, self.lacks_schema, self.search_path = schema, lacking, path
