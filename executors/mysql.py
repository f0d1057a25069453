"""MySQL: the session, the ledger and the lock; `mysql_units` runs what a plan holds."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any

import pymysql

from executors.engine import Journal, Row, Run
from executors.events import Emit, LockAwaited, Session
from executors.failure import ServerError
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
from planner.errors import Unreachable, UsageError
from planner.ledger import Identity
from planner.plan import Step, Unit
from planner.server import Server

FACTS = """
select version(), database(), @@sql_mode, @@global.read_only, utc_timestamp(6), {mark}
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
MOVE_SERIAL = "update {target} set serial = serial + 1 where serial = %s"
RECORD = (
    "insert into {history} (version, name, checksum, applied_at) "
    "values (%s, %s, %s, current_timestamp(6))"
)
REMOVE = "delete from {history} where version = %s and checksum = %s"
SESSION = """
select id, user, host, date_format(utc_timestamp() - interval time second, '%%Y-%%m-%%dT%%TZ')
from information_schema.processlist where id = %s
"""
# https://dev.mysql.com/doc/mysql-errors/8.4/en/client-error-reference.html
LOST = frozenset({0, 1053, 1927, 2006, 2013, 2055, 4031})
END_WAIT = 10.0  # seconds for the server to end a session of ours
GUARD_IDLE = 30 * 24 * 3600  # seconds; the guard says nothing during a long ALTER TABLE
OPTIONS = frozenset(
    {"ssl_ca", "ssl_cert", "ssl_key", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity"}
)


def connect(address: DatabaseAddress, environment: Environment) -> MySQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the server is a MariaDB.
    """
    return MySQL(address, environment)


class MySQL(Store):
    """A session on a MySQL database; implements `executors.engine.Engine`.

    The migration lock is two: `guard` on a session that only waits, and `work` on the session
    that runs the SQL. Between two sections the second session is replaced by a new one, which
    is the one way to take back all that a section has set, and the guard keeps others out.
    """

    dialect: Dialect = MYSQL
    mark = "server_uuid"
    statement_limit = "max_execution_time", 1000.0

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self._address = address
        self._timeouts = environment.timeouts
        self._program = f"lockgate {environment.name}"
        self.history_name = environment.history.table
        self._guard: Any = None
        self._connection = self._connect()
        self.server = self._read_server(environment.history.schema_)

    def close(self) -> None:
        for connection in (self._connection, self._guard):
            if connection and connection.open:
                with suppress(pymysql.Error):
                    connection.close()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._run(self._connection, sql, parameters)[0]

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self._run(self._connection, sql, parameters)[1]

    def quote(self, identifier: str) -> str:
        return "`" + identifier.replace("`", "``") + "`"

    def read_together(self, queries: Iterable[str]) -> list[list[Row]]:
        self.execute("set transaction isolation level repeatable read")
        self.execute("start transaction with consistent snapshot, read only")
        rows = [self.query_all(sql) for sql in queries]
        self.execute("commit")
        return rows

    def read_tables(self) -> Tables:
        rows = self.query_all(COLUMNS, (self.history_schema, self.history_name))
        columns = sorted(column for table, column in rows if table == self.history_name)
        return Tables(tuple(columns), any(table == "lockgate_target" for table, _ in rows))

    def ensure_tables(self, identity: Identity) -> None:
        if self._schema_lacking:
            self.execute(f"create database if not exists {self.quote(self.history_schema)}")
        for sql in CREATE_TABLES:
            self.execute(self.named(sql))
        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        self.execute(self.named(IDENTIFY), values)

    def begin_run(self, run: Run, identity: Identity) -> None:
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
        sql = "select is_used_lock(%s) = connection_id()"
        (own,) = self.query_one(sql, (self._lock_name("work"),)) or (0,)
        if own != 1:
            raise lost_lock()

    def run_unit(
        self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
    ) -> None:
        from executors.mysql_units import run_step

        run_step(self, run, unit, serial, journal, emit)

    def renew(self) -> None:
        """Replaces the session that runs the SQL by a new one, under the same guard.

        Raises:
            Locked: the lock could not be taken on the new session.
        """
        self._replace(self._connection.thread_id(), kill=False)

    def end_session(self) -> None:
        """Ends what runs, on the server too, so that its transaction is rolled back.

        Raises:
            Unreachable: the server cannot be asked, or it does not end the session.
        """
        self._replace(self._connection.thread_id(), kill=True)

    def is_in_doubt(self, sql: str) -> bool:
        """Whether a refused statement may have done part of its work. MySQL's DDL is atomic:
        https://dev.mysql.com/doc/refman/8.4/en/atomic-ddl.html"""
        return False

    def _replace(self, pid: int, *, kill: bool) -> None:
        with suppress(pymysql.Error):
            self._connection.close()
        if kill:
            with suppress(ServerError):  # 1094: it has ended by itself
                self._run(self._guard, f"kill {pid}")

        def ended() -> bool:
            sql = "select 1 from information_schema.processlist where id = %s"
            return not self._run(self._guard, sql, (pid,))[1]

        if not poll(ended, END_WAIT, lambda waited: None):
            raise Unreachable(
                f"The server still runs the session {pid} of this run.",
                do="See `show processlist`; it ends when its statement does.",
            )
        self._connection = self._connect()
        if not self._take(self._connection, "work"):
            raise lost_lock()

    def _run(
        self, connection: Any, sql: str, parameters: Sequence[object] = ()
    ) -> tuple[int, list[Row]]:
        with translated(), connection.cursor() as cursor:
            rows = cursor.execute(sql, tuple(parameters) or None)
            found = list(cursor.fetchall())
            while cursor.nextset():  # a CALL's further results, and its error
                pass
        return rows, found

    def _take(self, connection: Any, part: str) -> bool:
        # GET_LOCK counts: a lock that is ours already is not to be taken again.
        name = self._lock_name(part)
        sql = "select coalesce(is_used_lock(%s) = connection_id(), 0) or get_lock(%s, 0) = 1"
        return bool(self._run(connection, sql, (name, name))[1][0][0])

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
        address = self._address
        unknown = address.options.keys() - OPTIONS
        if unknown:
            raise UsageError(
                f"The connection has the option {min(unknown)}, which is not known.",
                do=f"The options are {', '.join(sorted(OPTIONS))}.",
            )
        options: dict[str, Any] = dict(address.options)
        try:
            connection = pymysql.connect(
                host=address.host,
                unix_socket=address.socket,
                port=address.port,
                user=address.user,
                password=address.password.get_secret_value() if address.password else "",
                database=address.database,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=max(1, round(self._timeouts.connect)),
                program_name=self._program,
                **options,
            )
        except (pymysql.Error, OSError, RuntimeError) as error:
            raise Unreachable(
                f"No connection to the database: {error.args[-1]}",
                do="Check the server and the connection in the environment's file.",
            ) from None
        self._run(connection, self._settings())
        return connection

    def _settings(self) -> str:
        """The session as every section is to find it. The server's own default lets a statement
        wait for a metadata lock for a year."""
        wait = math.ceil(self._timeouts.lock)
        settings = [
            "time_zone = '+00:00'",
            f"lock_wait_timeout = {wait}",
            f"innodb_lock_wait_timeout = {wait}",
        ]
        if self._timeouts.statement:
            name, scale = self.statement_limit
            settings.append(f"{name} = {self._timeouts.statement * scale:g}")
        return "set session " + ", session ".join(settings)

    def _read_server(self, schema: str | None) -> Server:
        row = self.query_one(FACTS.format(mark=f"@@global.{self.mark}"))
        assert row is not None
        version, database, sql_mode, read_only, now, mark = row
        self.refuse_other_server(version)
        self.history_schema = schema or database
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


@contextmanager
def translated() -> Iterator[None]:
    """PyMySQL's errors as ours."""
    try:
        yield
    except pymysql.Error as error:
        code, *message = error.args or (0,)
        text = str(message[0]) if message else str(code)
        if not isinstance(code, int) or code in LOST or isinstance(error, pymysql.InterfaceError):
            raise Unreachable(f"The connection was lost: {text}.") from error
        line = re.search(r"at line (\d+)$", text) if code == 1064 else None
        raise ServerError(str(code), text, line=int(line[1]) if line else 0) from error


def version_number(version: str) -> int:
    """A version as one number, as in `/*!50100 */`.

    >>> version_number("10.11.6-MariaDB-log")
    101106
    """
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    assert match, version
    major, minor, patch = (int(part) for part in match.groups())
    return major * 10000 + minor * 100 + patch
