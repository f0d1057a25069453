"""The session on MySQL, its ledger and its lock; runs nothing of a plan, as `mysql_units` does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any

import pymysql

from executors.engine import Row, Run
from executors.events import Emit, LockAwaited, Session
from executors.failure import ServerError
from executors.mysql_connection import open_session, settings, tls_like, translated, version_number
from executors.mysql_statements import ATOMIC, without_comments
from executors.polling import poll
from executors.store import (
    BEGIN_RUN,
    CLOSE_DEAD_RUNS,
    Store,
    Tables,
    lost_lock,
    not_had,
    run_values,
)
from planner.dialect import MYSQL, Dialect
from planner.environment import DatabaseAddress, Environment
from planner.errors import Interrupted, Unreachable, UsageError
from planner.ledger import Identity
from planner.plan import Step
from planner.server import Server

FACTS = """
select database(), @@sql_mode, @@global.read_only, utc_timestamp(6), {mark}
"""
COLUMNS = """
select table_name, column_name from information_schema.columns
where table_schema = %s and table_name in (%s, 'lockgate_target')
"""
TABLE = "engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin"
CREATE_TABLES = (
    f"""create table if not exists {{history}} (
    version varchar(255) primary key, name varchar(255) not null,
    checksum char(64) not null, applied_at datetime(6) not null) {TABLE}""",
    f"""create table if not exists {{runs}} (
    id varchar(36) primary key, plan_digest char(64) not null, intent_digest char(64) not null,
    direction varchar(4) not null, environment varchar(255) not null,
    status varchar(20) not null, actor varchar(255) not null, tool_version varchar(64) not null,
    started_at datetime(6) not null, finished_at datetime(6), plan longtext not null,
    error text) {TABLE}""",
    f"""create table if not exists {{journal}} (
    run_id varchar(36) not null, step int not null, statement int not null,
    digest char(64) not null, intent_at datetime(6) not null, outcome varchar(20),
    done_at datetime(6), primary key (run_id, step, statement)) {TABLE}""",
    f"""create table if not exists {{target}} (
    id smallint primary key, uuid varchar(36) not null,
    project varchar(255) not null, environment varchar(255) not null,
    evidence text not null, serial bigint not null) {TABLE}""",
)
IDENTIFY = (
    "insert ignore into {target} (id, uuid, project, environment, evidence, serial) "
    "values (1, %s, %s, %s, %s, 0)"
)
MOVE_SERIAL = "update {target} set serial = serial + 1 where id = 1 and serial = %s"
RECORD = (
    "insert into {history} (version, name, checksum, applied_at) "
    "values (%s, %s, %s, current_timestamp(6))"
)
REMOVE = "delete from {history} where version = %s and checksum = %s"
SESSION = """
select id, user, host, date_format(utc_timestamp() - interval time second, '%%Y-%%m-%%dT%%TZ')
from information_schema.processlist where id = %s
"""
# What a section may have set that would change what lockgate writes.
OWN_SETTINGS = (
    "set names utf8mb4, session time_zone = '+00:00', session sql_safe_updates = 0, "
    "session sql_select_limit = default"
)
OWN_LOCK = "is_used_lock(%s) = connection_id() and is_used_lock(%s) = %s"
PACKET_HEAD = 1024  # bytes; more than what an INSERT adds to a text
END_WAIT = 10.0  # seconds for the server to end a session of ours
GUARD_IDLE = 30 * 24 * 3600  # seconds; the guard says nothing during a long ALTER TABLE


class MySQLSession(Store):
    """A session on a MySQL database: all of `executors.engine.Engine` but `run_unit`.

    The migration lock is two: `guard` on a session that only waits, and `work` on the session
    that runs the SQL. Between two sections the second session is replaced by a new one, which
    is the one way to take back all that a section has set, and the guard keeps others out.
    """

    dialect: Dialect = MYSQL
    mark = "server_uuid"
    statement_limit = "max_execution_time", 1000

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self._address = address
        self._timeouts = environment.timeouts
        self._program = f"lockgate {environment.name}"
        self.history_name = environment.history.table
        self._guard: Any = None
        self._tls: dict[str, Any] = {}
        self.stateful = False  # whether a section may have left something in the session
        self._connection = self._connect()
        try:
            self.server = self._read_server(environment.history.schema_)
        except BaseException:
            self.close()
            raise

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
        self._connection.use_unicode = False
        try:
            return self.execute(sql)
        finally:
            self._connection.use_unicode = True

    def quote(self, identifier: str) -> str:
        return "`" + identifier.replace("`", "``") + "`"

    def read_together(self, queries: Iterable[str]) -> list[list[Row]]:
        self.execute("set transaction isolation level repeatable read")
        self.execute("start transaction with consistent snapshot, read only")
        try:
            rows = [self.query_all(sql) for sql in queries]
        except ServerError:  # the snapshot would hide all that is written from now on
            self.execute("rollback")
            raise
        self.execute("commit")
        return rows

    def read_tables(self) -> Tables:
        rows = self.query_all(COLUMNS, (self.history_schema, self.history_name))
        # A server with lower_case_table_names=1 answers in lower case, whatever was asked.
        columns = sorted(column for table, column in rows if table.lower() != "lockgate_target")
        return Tables(tuple(columns), len(columns) < len(rows))

    def ensure_tables(self, identity: Identity) -> None:
        if not (self.tables and self.tables.exist):  # asking would take the right to create them
            self._create_tables()
        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        self.execute(self.named(IDENTIFY), values)

    def _create_tables(self) -> None:
        if self._schema_lacking:
            self.execute(f"create database if not exists {self.quote(self.history_schema)}")
        for sql in CREATE_TABLES:
            self.execute(self.named(sql))

    def begin_run(self, run: Run, identity: Identity) -> None:
        self._refuse_big(run)
        self.ensure_tables(identity)
        with self.transaction():
            self.execute(self.named(CLOSE_DEAD_RUNS))
            self.execute(self.named(BEGIN_RUN), run_values(run))

    def record_migration(self, step: Step, serial: int) -> None:
        with self.transaction():
            self.move_history(step, serial)

    remove_migration_record = record_migration

    def move_history(self, step: Step, serial: int) -> None:
        """The step's change of the history table, in the caller's transaction.

        Raises:
            Locked: the serial or the row is not as expected: another executor has written.
        """
        if self.execute(self.named(MOVE_SERIAL), (serial,)) != 1:
            raise lost_lock()
        if step.direction == "up":
            self.execute(self.named(RECORD), (step.version, step.name, step.checksum))
        elif self.execute(self.named(REMOVE), (step.version, step.checksum)) != 1:
            raise lost_lock()

    @contextmanager
    def lock(self, wait: float, emit: Emit) -> Iterator[None]:
        self._tls = self._tls or tls_like(self._connection, self._address)
        self._guard = self._connect()
        self._run(self._guard, "set session wait_timeout = %s", (GUARD_IDLE,))

        def had() -> bool:
            return self._take(self._guard, "guard") and self._take(self._connection, "work")

        try:
            if not poll(had, wait, lambda waited: emit(LockAwaited(self.lock_holder(), waited))):
                raise not_had(self.lock_holder(), wait)
            yield
        finally:
            self._release()

    def lock_holder(self) -> Session | None:
        for part in ("work", "guard"):
            (holder,) = self.query_one("select is_used_lock(%s)", (self._lock_name(part),)) or (0,)
            if holder and holder != self._own_guard():
                row = self.query_one(SESSION, (holder,))
                user, host, since = row[1:] if row else ("another user", "", "")
                return Session(int(holder), user, host, since or "")
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

    def is_atomic(self, sql: str) -> bool:
        """Whether a statement that commits the open transaction, and then fails, has done
        nothing: so not one that runs others, as CALL does."""
        return ATOMIC.match(without_comments(sql).lstrip()) is not None

    def _succeed(self, pid: int, successor: Any) -> None:
        """Gives the work lock from a session that ends to its successor.

        A session rolls back before its locks go, so whoever has the lock sees the end state.
        """
        self._connection, self.stateful = successor, False

        def had() -> bool:
            with suppress(ServerError):  # a limit of the statement's time is one of GET_LOCK's
                return self._take(successor, "work", 1)
            return False

        if not poll(had, END_WAIT, lambda waited: None):
            raise self._still_there(pid) if self._holds_work(successor, pid) else lost_lock()

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
        with translated(), connection.cursor() as cursor:
            rows = cursor.execute(sql, tuple(parameters) or None)
            found = list(cursor.fetchall())
            while cursor.nextset():  # a CALL's further results, and its error
                pass
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
            self._guard.close()
        self._guard = None

    def _own_guard(self) -> int:
        return self._guard.thread_id() if self._guard else 0

    def _lock_name(self, part: str) -> str:
        # Names are server-wide, at most 64 characters, and MariaDB tells x from X.
        # https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
        digest = hashlib.sha256(f"lockgate:{self.server.history_table}".encode()).hexdigest()
        return f"lockgate_{part}_{digest[:40]}"

    def _connect(self) -> Any:
        connection = open_session(self._address, self._timeouts, self._program, self._tls)
        self._run(connection, settings(self._timeouts, self.statement_limit))
        return connection

    def _refuse_big(self, run: Run) -> None:
        """Raises UsageError when the server would not take a statement of a plan, or the plan."""
        (limit,) = self.query_one("select @@max_allowed_packet") or (0,)
        texts = [
            (f"{step.file}:{statement.line}: the statement", statement.sql)
            for step in run.plan.steps
            for statement in step.statements
        ]
        for what, text in (
            *texts,
            ("The plan", pymysql.converters.escape_string(str(run_values(run)[-1]))),
        ):
            if (size := len(text.encode()) + PACKET_HEAD) > limit:
                raise UsageError(
                    f"{what} has {size} bytes, and the server takes at most {limit} at once.",
                    why="Nothing was run.",
                    do="Raise the server's max_allowed_packet, or divide the migration.",
                )

    def _read_server(self, schema: str | None) -> Server:
        ((version,),) = self.query_all("select version()")
        self.refuse_other_server(version)
        (row,) = self.query_all(FACTS.format(mark=f"@@global.{self.mark}"))
        database, sql_mode, read_only, now, mark = row
        self.history_schema = schema or database
        _refuse_percent(self.history_schema)
        found = "select 1 from information_schema.schemata where schema_name = %s"
        self._schema_lacking = self.query_one(found, (self.history_schema,)) is None
        return Server(
            dialect=self.dialect.with_server(version_number(version), sql_mode),
            version=version,
            database=database,
            history_table=f"{self.history_schema}.{self.history_name}",
            evidence={self.mark: str(mark), "database": database},
            now=now.replace(microsecond=0, tzinfo=UTC),
            read_only=str(read_only).upper() not in ("0", "OFF"),
        )

    def refuse_other_server(self, version: str) -> None:
        """Raises UsageError when the server is a MariaDB, which calls itself so."""
        if "mariadb" in version.lower():
            raise UsageError(
                f"The server is a MariaDB ({version}).",
                do="Write `engine: mariadb` in the environment.",
            )


def _refuse_percent(name: str) -> None:
    """Raises UsageError for a name that would be taken for a place of a parameter."""
    if "%" in name:
        raise UsageError(
            f"The database's name holds a %, which lockgate cannot use in its SQL: {name}.",
            do="Rename the database, or name another one for lockgate's tables under "
            "`history: {schema: …}` in the environment.",
        )
