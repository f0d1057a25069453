"""PostgreSQL: the session, the ledger and the lock; `postgresql_units` runs what a plan holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from executors.engine import Journal, Row, Run
from executors.events import Emit, LockAwaited, Session
from executors.parameters import halves, lock_key, numbered, texts
from executors.pipeline import (
    Command,
    CommandFailed,
    OnSilence,
    Outcome,
    from_driver,
    ignore_silence,
    run_copy,
    run_pipelined,
)
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
from executors.watch import SESSION, Watch
from planner.dialect import POSTGRESQL
from planner.environment import DatabaseAddress, Environment
from planner.errors import Unreachable, UsageError
from planner.ledger import Identity
from planner.plan import Step, Unit
from planner.server import Server

FACTS = """
select current_setting('server_version'), current_setting('server_version_num')::int,
       current_database()::text, coalesce(%s, current_schema()::text),
       to_regnamespace(quote_ident(coalesce(%s, current_schema()::text))) is null,
       now(), pg_backend_pid(),
       pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool,
       (select oid::text from pg_database where datname = current_database()),
       case when has_function_privilege('pg_control_system()', 'execute')
            then (select system_identifier::text from pg_control_system()) end
"""
# RESET ALL between sections takes these back too, so they are set again after it.
SETTINGS = """
select set_config('lock_timeout', $1, false),
       set_config('statement_timeout', coalesce($2, current_setting('statement_timeout')), false),
       set_config('client_min_messages', 'warning', false), set_config('timezone', 'UTC', false)
"""
COLUMNS = """
select coalesce(array_agg(attname::text order by attname::text collate "C")
                filter (where relname = %s), '{}'), bool_or(relname = 'lockgate_target')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
where nspname = %s and relname in (%s, 'lockgate_target')
"""
CREATE_TABLES = (
    """create table if not exists {history} (
    version varchar(255) primary key, name varchar(255) not null,
    checksum char(64) not null, applied_at timestamptz not null)""",
    """create table if not exists {runs} (
    id varchar(36) primary key, plan_digest char(64) not null, intent_digest char(64) not null,
    direction varchar(4) not null, environment varchar(255) not null,
    status varchar(20) not null, actor varchar(255) not null, tool_version varchar(64) not null,
    started_at timestamptz not null, finished_at timestamptz, plan text not null, error text)""",
    """create table if not exists {journal} (
    run_id varchar(36) not null, step int not null, statement int not null,
    digest char(64) not null, intent_at timestamptz not null, outcome varchar(20),
    done_at timestamptz, primary key (run_id, step, statement))""",
    """create table if not exists {target} (
    id smallint primary key check (id = 1), uuid varchar(36) not null,
    project varchar(255) not null, environment varchar(255) not null,
    evidence text not null, serial bigint not null)""",
)
IDENTIFY = (
    "insert into {target} (id, uuid, project, environment, evidence, serial) "
    "values (1, $1, $2, $3, $4, 0) on conflict do nothing"
)
# The serial moves only when it is the one that we expect, and the history only with it.
RECORD = """
with fence as (update {target} set serial = serial + 1 where serial = $4::bigint returning 1)
insert into {history} (version, name, checksum, applied_at)
select $1, $2, $3, now() from fence
"""
REMOVE = """
with fence as (update {target} set serial = serial + 1 where serial = $3::bigint returning 1)
delete from {history} using fence where version = $1 and checksum = $2
"""
LOCKS = """
locktype = 'advisory' and granted and objsubid = 1
and database = (select oid from pg_database where datname = current_database())
"""
OWN_LOCK = f"""
select 1 from pg_locks where {LOCKS} and pid = pg_backend_pid()
and classid = $1::bigint::oid and objid = $2::bigint::oid
"""
HOLDER = f"""
{SESSION} where a.pid in (select pid from pg_locks where {LOCKS}
and classid = %s::bigint::oid and objid = %s::bigint::oid)
"""
END_WAIT = 10.0  # seconds for the server to end a session of ours that we have cancelled


def connect(address: DatabaseAddress, environment: Environment) -> PostgreSQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the connection goes through a pooler that shares sessions.
    """
    return PostgreSQL(address, environment)


class PostgreSQL(Store):
    """A session on a PostgreSQL database; implements `executors.engine.Engine`."""

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        self._address = address
        self._program = f"lockgate {environment.name}"
        self._connect_timeout = environment.timeouts.connect
        self.lock_timeout = environment.timeouts.lock
        self.statement_timeout = environment.timeouts.statement
        self.lock_retries = environment.retries.lock
        self.history_name = environment.history.table
        self._connection = self._connect()
        self.server = self._read_server(environment.history.schema_)

    def close(self) -> None:
        self._connection.close()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._run(sql, parameters).rowcount

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self._run(sql, parameters).fetchall()

    def quote(self, identifier: str) -> str:
        return '"' + identifier.replace('"', '""') + '"'

    def read_together(self, queries: Iterable[str]) -> list[list[Row]]:
        # One flight, one snapshot.
        with translated(), self._connection.pipeline():
            self._connection.execute("begin isolation level repeatable read, read only")
            cursors = [self._connection.execute(sql.encode()) for sql in queries]
            self._connection.execute("commit")
        return [cursor.fetchall() for cursor in cursors]

    def read_tables(self) -> Tables:
        row = self.query_one(COLUMNS, (self.history_name, self.history_schema, self.history_name))
        columns, targeted = row or ((), False)
        return Tables(tuple(columns), bool(targeted))

    def ensure_tables(self, identity: Identity) -> None:
        self.transact(self._creation(identity))

    def begin_run(self, run: Run, identity: Identity) -> None:
        begin = self.own_command(BEGIN_RUN, run_values(run), None)
        closing = self.own_command(CLOSE_DEAD_RUNS, (), None)
        self.transact([*self._creation(identity), closing, begin])

    def record_migration(self, step: Step, serial: int) -> None:
        if self.transact([self.record_command(step, serial, None)])[0].rows != 1:
            raise lost_lock()

    remove_migration_record = record_migration

    @contextmanager
    def lock(self, wait: float, emit: Emit) -> Iterator[None]:
        def had() -> bool:
            row = self.query_one("select pg_try_advisory_lock(%s)", (self._lock_key,))
            return bool(row and row[0])

        if not poll(had, wait, lambda waited: emit(LockAwaited(self.lock_holder(), waited))):
            raise not_had(self.lock_holder(), wait)
        try:
            yield
        finally:
            if not self._connection.closed:
                with suppress(Unreachable):
                    self.execute("select pg_advisory_unlock(%s)", (self._lock_key,))

    def lock_holder(self) -> Session | None:
        row = self.query_one(HOLDER, halves(self._lock_key))
        return Session(*row) if row else None

    def prove_lock(self) -> None:
        if self.transact([self.proof_command(None)])[0].rows != 1:
            raise lost_lock()

    def run_unit(
        self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit
    ) -> None:
        from executors.postgresql_units import run_outside, run_transaction

        try:
            if unit.transaction is None:
                run_outside(self, run, unit, serial, journal, emit)
            else:
                run_transaction(self, run, unit, serial, emit)
        except BaseException:
            if self._is_busy():  # interrupted in the middle of a batch or a transaction
                self.end_session()
            raise

    def pipelined(
        self, commands: Iterable[Command[Any]], on_silence: OnSilence = ignore_silence
    ) -> Iterator[Outcome[Any]]:
        """The outcomes of commands that travel together; those of COPY travel alone."""
        batch: list[Command[Any]] = []
        for command in commands:
            if command.copy_data is None:
                batch.append(command)
                continue
            yield from run_pipelined(self._connection, batch, on_silence)
            batch = []
            yield run_copy(self._connection, command)
        yield from run_pipelined(self._connection, batch, on_silence)

    def transact(self, commands: Sequence[Command[Any]]) -> list[Outcome[Any]]:
        """The outcomes of commands of our own, in a transaction of their own."""
        whole = [Command("begin", None), *commands, Command("commit", None)]
        try:
            return list(self.pipelined(whole))[1:-1]
        except CommandFailed as failed:
            self.execute("rollback")
            raise failed.error from failed

    def roll_back(self) -> None:
        """Ends the open transaction without keeping anything of it."""
        self.execute("rollback")

    def record_command(self, step: Step, serial: int, tag: Any) -> Command[Any]:
        """The step's change of the history table; it touches one row, or the fence is lost."""
        if step.direction == "up":
            values: tuple[object, ...] = (step.version, step.name, step.checksum, serial)
            return Command(self.named(RECORD), tag, texts(values))
        values = (step.version, step.checksum, serial)
        return Command(self.named(REMOVE), tag, texts(values))

    def own_command(self, sql: str, values: Sequence[object], tag: Any) -> Command[Any]:
        """A statement of the store, as a command."""
        return Command(numbered(self.named(sql)), tag, texts(values))

    def proof_command(self, tag: Any) -> Command[Any]:
        """Finds one row while this session holds the migration lock."""
        return Command(OWN_LOCK, tag, texts(halves(self._lock_key)))

    def settings_command(self, tag: Any) -> Command[Any]:
        """Sets the session as every section is to find it."""
        statement = self.statement_timeout
        limits = (
            f"{self.lock_timeout * 1000:.0f}",
            None if statement is None else f"{statement * 1000:.0f}",
        )
        return Command(SETTINGS, tag, limits)

    @contextmanager
    def watching(self, emit: Emit) -> Iterator[Watch]:
        """A watch over what blocks this session, for the block's statements."""
        watch = Watch(self._connection.info.backend_pid, self._connect, emit)
        try:
            yield watch
        finally:
            watch.close()

    def end_session(self) -> None:
        """Cancels what runs and ends the session; returns when the server has ended it too, so
        that its transaction is rolled back and its lock is free.

        Raises:
            Unreachable: the server cannot be asked, or it does not end the session.
        """
        pid = self._connection.info.backend_pid
        if self._connection.pgconn.status == ConnStatus.OK:
            self._connection.cancel_safe(timeout=END_WAIT)
        self._connection.close()
        with translated(), self._connect() as observer:

            def ended() -> bool:
                found = "select 1 from pg_stat_activity where pid = %s"
                return observer.execute(found, (pid,)).fetchone() is None

            if not poll(ended, END_WAIT, lambda waited: None):
                raise Unreachable(
                    f"The server still runs the session {pid} that was cancelled.",
                    do=f"See pg_stat_activity; `select pg_terminate_backend({pid})` ends it.",
                )
        self._connection = self._connect()

    def _is_busy(self) -> bool:
        pgconn = self._connection.pgconn
        idle = (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)
        return bool(pgconn.pipeline_status) or pgconn.transaction_status not in idle

    def _run(self, sql: str, parameters: Sequence[object]) -> psycopg.Cursor[Row]:
        with translated():
            return self._connection.execute(sql.encode(), parameters or None)

    def _connect(self) -> psycopg.Connection[Row]:
        address = self._address
        options: dict[str, Any] = {"application_name": self._program, "client_encoding": "UTF8"}
        options |= address.options
        try:
            return psycopg.connect(
                host=address.socket or address.host,
                port=address.port,
                user=address.user,
                password=address.password.get_secret_value() if address.password else None,
                dbname=address.database,
                connect_timeout=max(1, round(self._connect_timeout)),
                autocommit=True,
                prepare_threshold=None,  # DEALLOCATE ALL between sections would confuse psycopg
                **options,
            )
        except psycopg.Error as error:
            raise Unreachable(
                f"No connection to the database: {str(error).strip()}",
                do="Check the server and the connection in the environment's file.",
            ) from None

    def _read_server(self, schema: str | None) -> Server:
        with translated(), self._connection.pipeline():
            facts = self._connection.execute(FACTS, (schema, schema))
            settings = self.settings_command(None)
            self._connection.execute(
                re.sub(r"\$\d", "%s", settings.sql).encode(), settings.parameters
            )
        row = facts.fetchone()
        assert row is not None
        version, number, database, schema, lacking, now, pid, read_only, oid, system = row
        self._refuse_pooler(pid)
        if schema is None:
            raise UsageError(
                "The connection's search_path names no schema that exists.",
                do="Set `history: {schema: …}` in the environment.",
            )
        self.history_schema = schema
        self._schema_lacking = lacking
        marks = {"database_oid": oid, "system_identifier": system}
        table = f"{schema}.{self.history_name}"
        self._lock_key = lock_key(table)
        return Server(
            dialect=POSTGRESQL.with_server(number),
            version=version,
            database=database,
            history_table=table,
            evidence={name: value for name, value in marks.items() if value},
            now=now.replace(microsecond=0),
            read_only=read_only,
        )

    def _refuse_pooler(self, pid: int) -> None:
        if pid != self._connection.info.backend_pid:
            self.close()
            raise UsageError(
                "The connection goes through a pooler that shares server sessions.",
                why="The migration lock belongs to a session, and a pooler hands it to others.",
                do="Connect to the server itself, or to a pool in session mode.",
            )

    def _creation(self, identity: Identity) -> list[Command[Any]]:
        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        # Asking for a schema that exists would take the right to create one.
        schema = f"create schema if not exists {self.quote(self.history_schema)}"
        return [
            *([Command(schema, None)] if self._schema_lacking else []),
            *(Command(self.named(sql), None) for sql in CREATE_TABLES),
            Command(self.named(IDENTIFY), None, values),
        ]


@contextmanager
def translated() -> Iterator[None]:
    """psycopg's errors as ours."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            raise Unreachable(f"The connection was lost: {str(error).strip()}.") from error
        raise from_driver(error) from error
