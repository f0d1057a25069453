"""The two sessions of an executor on MySQL; knows neither ledger nor plan.

Which of them holds which half of the migration lock is `lock`'s affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.charset import charset_by_name
from pymysql.constants import CLIENT

from lockgate.executors.engine import Session
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.tables import SPARE_NAME, history_name
from lockgate.executors.mysql.connection import (
    OWN,
    is_encrypted,
    open_session,
    settings,
    tls_like,
    translated,
    version_number,
)
from lockgate.executors.mysql.encryption import read_level
from lockgate.executors.mysql.ledger import COLUMNS
from lockgate.executors.mysql.limits import refuse_percent
from lockgate.planner.database.server import Server, dialect_of, refuse_old_server
from lockgate.planner.errors import ConfigurationError, Interrupted, UsageError
from lockgate.planner.quoting import backquoted

if TYPE_CHECKING:
    from lockgate.executors.batches.key import BatchKey
    from lockgate.executors.engine import Look, Row
    from lockgate.executors.mysql.nodes.cluster import Cluster
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.statement import Batch

FACTS = "select database(), @@sql_mode, @@global.read_only, utc_timestamp(6)"
# Not each server has each of them.
MARKS = "show global variables where variable_name in %s"
# What a section may have set that would change what lockgate writes.
OWN_SETTINGS = f"set names utf8mb4, session sql_safe_updates = 0, session {', session '.join(OWN)}"
# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
NO_SAVEPOINT = "1305"
NOT_ROLLED_BACK = 1196
LOST_IN_QUERY = "2013"  # https://dev.mysql.com/doc/mysql-errors/9.7/en/client-error-reference.html
# The guard says nothing during a long ALTER TABLE, for so many seconds. It is the session that we
# ask, so it prints names and reads text in one way, whatever the server's sql_mode is.
GUARD_SETTINGS = (
    f"set session wait_timeout = {30 * 24 * 3600}, session sql_mode = 'STRICT_ALL_TABLES'"
)


class MySQLSession(Session):
    """The session that runs the SQL, and, under the migration lock, the guard: a second session
    that only waits.

    Between two sections the first one is replaced by a new one, which is the one way to take back
    all that a section has set, and the guard keeps others out. `stateful` says that a section may
    have left something in it.
    """

    lost_code = LOST_IN_QUERY
    parent_code = "3730"  # of DROP TABLE on a table that foreign keys of others need
    kind = "mysql"
    mark = "server_uuid"
    marks = ("server_uuid", "group_replication_group_name")
    """The variables by which a server is known; the last one that it has."""

    statement_limit = "max_execution_time", 1000
    names_at_once = 5
    """Of how many tables information_schema is best asked at once."""
    rebuilds_empty_tables = True  # where it would change a filled one in place
    grants_make_users = False  # of a name that there is none, without NO_AUTO_CREATE_USER
    waits: tuple[str, ...] = ("DEFINITIONS", "ROWS", "STAGES")
    """What tells how long others wait for a session, and last how far it is: names in
    `catalogue.waits`, which only runs need."""
    fails_over = True  # its replicas tell by which mark they are known
    own: tuple[str, ...] = ()
    """What further sessions are given, beside what each is."""

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self._address = address
        self._timeouts = environment.timeouts
        _refuse_blockers(environment)
        self._program = f"lockgate {environment.name}"
        self._tls: dict[str, Any] = {}
        self._history, self.readers = environment.history, environment.history.readers
        self.unmanaged = environment.unmanaged
        self.lock_retries = environment.retries.lock
        self.copy_limit = environment.copies.limit
        self.left = 0  # the id of a session that was lost in a commit
        self.guard: Any = None
        self.stateful = False
        self.cluster: Cluster | None = None
        self.work = self.connect()
        self.is_exposed = not (is_encrypted(self.work) or read_level(address.options))
        try:
            self.server = self._read_server(environment.history.schema_)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for connection in (self.work, self.guard):
            if connection and connection.open:
                with suppress(pymysql.Error):
                    connection.close()

    @property
    def is_open(self) -> bool:
        """Whether its connection is not known to be lost, and no signal has closed it."""
        return bool(self.work.open)

    @property
    def address(self) -> DatabaseAddress:
        """Where the session's database is, and the secrets by which a program may connect now."""
        return self._address.renewed()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self.run_on(self.work, sql, parameters)[0]

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self.run_on(self.work, sql, parameters)[1]

    def run_statement(self, sql: str) -> int:
        """Runs a migration's statement. What it selects is not decoded: the migration may have
        set another character set."""
        connection = self.work
        decoders, connection.decoders = connection.decoders, {}
        connection.use_unicode = False
        try:
            return self.execute(sql)
        finally:
            connection.use_unicode, connection.decoders = True, decoders

    def send(self, sql: str, charset: str) -> None:
        """Runs a statement whose text is read in this character set of the server's.

        Raises:
            ServerError: the text is not of that character set.
        """
        connection = self.work
        before, connection.encoding = connection.encoding, charset_by_name(charset).encoding
        try:
            self.execute(sql)
        except UnicodeEncodeError as error:
            raise ServerError("1300", f"Invalid {charset} character string: {error}") from error
        finally:
            connection.encoding = before

    def observe(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Every row of a query, by the guard's session: what a section has set is not in it."""
        return self.run_on(self.guard, sql, parameters)[1]

    @contextmanager
    def looking_on(self) -> Iterator[Callable[[], Look]]:
        from lockgate.executors.mysql.catalogue.waits import Onlooker

        with closing(self.connect()) as aside:
            run = partial(self.run_on, aside)
            yield Onlooker(lambda *asked: run(*asked)[1], self.work.thread_id, self.waits).look

    def execute_aside(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Runs one statement, durable on return, by the guard's session."""
        return self.run_on(self.guard, sql, parameters)[0]

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

    def roll_back(self) -> bool:
        """Ends the open transaction; whether all of it was undone: tables of other storage
        engines than InnoDB keep their rows."""
        self.execute("rollback")
        warnings = self.query_all("show warnings")
        return all(code != NOT_ROLLED_BACK for _, code, _ in warnings)

    def quote(self, identifier: str) -> str:
        return backquoted(identifier)

    def find_batch_key(self, batch: Batch) -> BatchKey | None:
        from lockgate.executors.mysql.batches.key import read_key

        return read_key(self, batch)

    def leave(self) -> None:
        self.left = self.work.thread_id()
        with suppress(pymysql.Error):
            self.work.close()

    def reopen(self) -> None:
        """Opens a session like the one that was lost.

        Raises:
            Unreachable, WrongTarget: not the server that was lost answers.
        """
        from lockgate.executors.commit_outcome import refuse_another_server

        self.work, self.stateful = self.connect(), False
        try:
            refuse_another_server(self.server, self._read_server(self.history_schema))
        except BaseException:
            self.work.close()
            raise

    def open_guard(self) -> None:
        """Opens the guard, with the encryption of the other session."""
        self._tls = self._tls or tls_like(self.work, self._address)
        self.guard = self._set_up(self.connect(), GUARD_SETTINGS)

    def connect(self, capabilities: int = 0) -> Any:
        """A session as every section is to find it."""
        connection = open_session(
            self._address, self._timeouts, self._program, self._tls, capabilities
        )
        return self._set_up(connection, settings(self._timeouts, self.statement_limit, self.own))

    @contextmanager
    def asking_in_batches(self) -> Iterator[Any]:
        """A connection that takes several statements at once; no migration's are run by it."""
        connection = self.connect(CLIENT.MULTI_STATEMENTS)
        try:
            yield connection
        finally:
            with suppress(pymysql.Error):
                connection.close()

    def run_on(
        self, connection: Any, sql: str, parameters: Sequence[object] = ()
    ) -> tuple[int, list[Row]]:
        """Runs a statement on one of the sessions; how many rows it touched, and which it gave."""
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

    def _set_up(self, connection: Any, sql: str) -> Any:
        """A new session when it has run a SET; one that cannot is closed."""
        try:
            self.run_on(connection, sql)
        except BaseException:
            with suppress(pymysql.Error):
                connection.close()
            raise
        return connection

    def _read_server(self, schema: str | None) -> Server:
        ((version,),) = self.query_all("select version()")
        self.refuse_other_server(version)
        refuse_old_server(self.kind, version_number(version))
        (row,) = self.query_all(FACTS)
        database, sql_mode, read_only, now = row
        self.history_schema = schema or database
        refuse_percent(self.history_schema)
        names = (self.history_schema, self._history.table, SPARE_NAME)
        self.history_name = history_name(self._history, self.query_all(COLUMNS, names))
        found = "select 1 from information_schema.schemata where schema_name = %s"
        self.lacks_schema = self.query_one(found, (self.history_schema,)) is None
        return Server(
            dialect=dialect_of(self.kind, version_number(version), sql_mode),
            version=version,
            database=database,
            history_table=f"{self.history_schema}.{self.history_name}",
            evidence={self.mark: self._read_mark(), "database": database},
            now=now.replace(microsecond=0, tzinfo=UTC),
            read_only=str(read_only).upper() not in ("0", "OFF"),
        )

    def _read_mark(self) -> str:
        """By what the servers of one logical database are known, and no copy of it is: what a
        cluster shares, else what the server has alone."""
        found: dict[str, object] = dict(self.query_all(MARKS, (self.marks,)))
        return str(next(found[name] for name in reversed(self.marks) if found.get(name)))

    def refuse_other_server(self, version: str) -> None:
        """Raises UsageError when the server is a MariaDB, which calls itself so."""
        if "mariadb" in version.lower():
            raise UsageError(
                f"The server is a MariaDB ({version}).",
                do="Write `engine: mariadb` in the environment.",
            )


def _refuse_blockers(environment: Environment) -> None:
    """Raises ConfigurationError where sessions are to be ended that this server does not name."""
    if environment.blockers.model_dump(exclude_none=True):
        raise ConfigurationError(
            "`blockers` is there for PostgreSQL alone",
            path=environment.path,
            why="MySQL and MariaDB do not say for certain, and only after a wait has ended, which "
            "session holds what a statement waits for: another one could be ended.",
            do="Leave the key away. When a wait for a lock has ended in vain, the error names who "
            "may hold it, and the `KILL` that ends it.",
        )
