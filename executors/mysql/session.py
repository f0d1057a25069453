"""The two sessions of an executor on MySQL, and the migration lock that both hold.

Knows no ledger and no plan: `store` does.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CLIENT

from lockgate.executors.commit_outcome import refuse_another_server
from lockgate.executors.events import Emit, LockAwaited, LockHolder
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.store import Store, lost_lock
from lockgate.executors.mysql.connection import open_session, settings, tls_like, translated
from lockgate.executors.mysql.lock import OWN_LOCK, read_holder
from lockgate.executors.polling import poll
from lockgate.planner.errors import Interrupted, Unreachable

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.server import Server
    from lockgate.planner.environments.environment import Environment

END_WAIT = 10.0  # seconds for the server to end a session of ours
# The guard says nothing during a long ALTER TABLE, for so many seconds. It is the session that we
# ask, so it prints names and reads text in one way, whatever the server's sql_mode is.
GUARD_SETTINGS = (
    f"set session wait_timeout = {30 * 24 * 3600}, session sql_mode = 'STRICT_ALL_TABLES'"
)


class GuardedSessions(Store):
    """Two sessions under the migration lock, which is two.

    `guard` is held by a session that only waits, and `work` by the one that runs the SQL. Between
    two sections the second session is replaced by a new one, which is the one way to take back
    all that a section has set, and the guard keeps others out.
    """

    server: Server
    statement_limit: tuple[str, int]

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self._address = address
        self._timeouts = environment.timeouts
        self._program = f"lockgate {environment.name}"
        self.commit_wait = max(self.commit_wait, environment.lock.wait)
        self._left = 0  # the id of a session that was lost in a commit
        self._guard: Any = None
        self._tls: dict[str, Any] = {}
        self.stateful = False  # whether a section may have left something in the session
        self._connection = self._connect()

    @abstractmethod
    def read_server(self, schema: str | None) -> Server:
        """What the server that answers says of itself."""

    def close(self) -> None:
        for connection in (self._connection, self._guard):
            if connection and connection.open:
                with suppress(pymysql.Error):
                    connection.close()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._run(self._connection, sql, parameters)[0]

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self._run(self._connection, sql, parameters)[1]

    def run_statement(self, sql: str) -> int:
        """Runs a migration's statement. What it selects is not decoded: the migration may have
        set another character set."""
        connection = self._connection
        decoders, connection.decoders = connection.decoders, {}
        connection.use_unicode = False
        try:
            return self.execute(sql)
        finally:
            connection.use_unicode, connection.decoders = True, decoders

    def observe(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Every row of a query, by the guard's session: what a section has set is not in it."""
        return self._run(self._guard, sql, parameters)[1]

    def execute_aside(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Runs one statement, durable on return, by the guard's session."""
        return self._run(self._guard, sql, parameters)[0]

    def guard_proof(self) -> tuple[object, ...]:
        """What proves to the guard's session that both locks are ours: the guard's name, the
        work lock's name, and the id of the session that must hold that."""
        return self._lock_name("guard"), self._lock_name("work"), self._connection.thread_id()

    @contextmanager
    def lock(self, wait: float, emit: Emit) -> Iterator[None]:
        self._tls = self._tls or tls_like(self._connection, self._address)
        self._guard = self._connect_guard()

        def had() -> bool:
            return self._take(self._guard, "guard") and self._take(self._connection, "work")

        try:
            if not poll(had, wait, lambda waited: emit(LockAwaited(self.lock_holder(), waited))):
                raise self.lock_taken(wait)
            yield
        finally:
            self._release()

    def lock_holder(self) -> LockHolder | None:
        for part in ("work", "guard"):
            (holder,) = self.query_one("select is_used_lock(%s)", (self._lock_name(part),)) or (0,)
            if holder and holder != self._own_guard():
                return read_holder(self.query_all, int(holder), self.history_schema)
        return None

    def prove_lock(self) -> None:
        try:
            self.refuse_lost_lock()
        except Interrupted:
            self.end_session()
            raise

    def refuse_lost_lock(self) -> None:
        """Raises Locked when one of the two locks is not ours any more."""
        (own,) = self.query_one(f"select {OWN_LOCK}", self.lock_proof()) or (0,)
        if own != 1:
            raise lost_lock()

    def lock_proof(self) -> tuple[object, ...]:
        """The parameters of OWN_LOCK."""
        return self._lock_name("work"), self._lock_name("guard"), self._own_guard()

    def renew(self) -> None:
        """Replaces the session that runs the SQL by a new one, under the same guard.

        Raises:
            Locked: the lock could not be taken on the new session.
        """
        with suppress(pymysql.Error):
            self._connection.close()
        self._succeed(self._connection.thread_id(), self._connect())

    def end_session(self) -> None:
        """Ends what runs, on the server too, so that its transaction is rolled back.

        A server that was started again gives the same ids to others, so only who holds our
        work lock is killed.

        Raises:
            Unreachable: the server cannot be asked, or it does not end the session.
            Locked: the lock could not be taken on the new session.
        """
        with suppress(pymysql.Error):
            self._connection.close()
        pid, successor = self._connection.thread_id(), self._connect()
        if self._holds_work(successor, pid):
            with suppress(ServerError):  # 1094: it has ended by itself
                self._run(successor, f"kill {pid}")
        self._succeed(pid, successor)

    def leave(self) -> None:
        self._left = self._connection.thread_id()
        with suppress(pymysql.Error):
            self._connection.close()

    def retake_lock(self) -> bool:
        if not self._connection.open:
            self._open_again()
        try:
            guarded = self._take(self._guard, "guard")
        except Unreachable:  # it was lost too, and what a restarted server has is not ours
            self._guard, self._left = self._connect_guard(), 0
            guarded = self._take(self._guard, "guard")
        if guarded and self._left and self._holds_work(self._connection, self._left):
            with suppress(ServerError):  # 1094: it has ended by itself
                self._run(self._connection, f"kill {self._left}")
        return guarded and self._take(self._connection, "work")

    def _open_again(self) -> None:
        """Opens a session like the one that was lost."""
        self._connection, self.stateful = self._connect(), False
        try:
            refuse_another_server(self.server, self.read_server(self.history_schema))
        except BaseException:
            self._connection.close()
            raise

    def _succeed(self, pid: int, successor: Any) -> None:
        """Gives the work lock from a session that ends to its successor.

        A session rolls back before its locks go, so whoever has the lock sees the end state.
        """
        self._connection, self.stateful = successor, False

        def had() -> bool:
            with suppress(ServerError):  # a limit of the statement's time is one of GET_LOCK's
                return self._take(successor, "work", 1)
            return False

        self._heal_guard()
        if not poll(had, END_WAIT, lambda waited: None):
            raise self._still_there(pid) if self._holds_work(successor, pid) else lost_lock()

    def _heal_guard(self) -> None:
        """Opens the guard's session again, if a signal came while it was asked.

        Raises:
            Locked: somebody else has its lock now.
        """
        if self._guard is None or self._guard.open:
            return
        self._guard = self._connect_guard()
        if not poll(lambda: self._take(self._guard, "guard"), END_WAIT, lambda waited: None):
            raise lost_lock()

    def _holds_work(self, connection: Any, pid: int) -> bool:
        sql = "select is_used_lock(%s)"
        return bool(self._run(connection, sql, (self._lock_name("work"),))[1] == [(pid,)])

    def _still_there(self, pid: int) -> Unreachable:
        return Unreachable(
            f"The server still runs the session {pid} of this run.",
            do="See `show processlist`; it ends when its statement does.",
        )

    def _run(
        self, connection: Any, sql: str, parameters: Sequence[object] = ()
    ) -> tuple[int, list[Row]]:
        try:
            with translated(), connection.cursor() as cursor:
                rows = cursor.execute(sql, tuple(parameters) or None)
                found = list(cursor.fetchall())
                while cursor.nextset():  # a CALL's further results, and its error
                    pass
        except Interrupted:  # its answer is still to come, and would be taken for the next one's
            with suppress(pymysql.Error):
                connection.close()
            raise
        return rows, found

    def _take(self, connection: Any, part: str, wait: int = 0) -> bool:
        # GET_LOCK counts: a lock that is ours already is not to be taken again.
        name = self._lock_name(part)
        sql = "select coalesce(is_used_lock(%s) = connection_id(), 0) or get_lock(%s, %s) = 1"
        return bool(self._run(connection, sql, (name, name, wait))[1][0][0])

    def _release(self) -> None:
        with suppress(Unreachable, ServerError, pymysql.Error):
            if self._connection.open:
                self.execute("select release_lock(%s)", (self._lock_name("work"),))
        with suppress(Unreachable, ServerError, pymysql.Error):
            self._run(self._guard, "select release_lock(%s)", (self._lock_name("guard"),))
        with suppress(pymysql.Error):
            self._guard.close()
        self._guard = None

    def _own_guard(self) -> int:
        return self._guard.thread_id() if self._guard else 0

    def _lock_name(self, part: str) -> str:
        # Names are server-wide, at most 64 characters, and MariaDB tells x from X.
        # https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
        digest = hashlib.sha256(f"lockgate:{self.server.history_table}".encode()).hexdigest()
        return f"lockgate_{part}_{digest[:40]}"

    @contextmanager
    def asking_in_batches(self) -> Iterator[Any]:
        """A connection that takes several statements at once; no migration's are run by it."""
        connection = self._connect(CLIENT.MULTI_STATEMENTS)
        try:
            yield connection
        finally:
            with suppress(pymysql.Error):
                connection.close()

    def _connect(self, capabilities: int = 0) -> Any:
        connection = open_session(
            self._address, self._timeouts, self._program, self._tls, capabilities
        )
        return self._set_up(connection, settings(self._timeouts, self.statement_limit))

    def _connect_guard(self) -> Any:
        return self._set_up(self._connect(), GUARD_SETTINGS)

    def _set_up(self, connection: Any, sql: str) -> Any:
        """A new session when it has run a SET; one that cannot is closed."""
        try:
            self._run(connection, sql)
        except BaseException:
            with suppress(pymysql.Error):
                connection.close()
            raise
        return connection
