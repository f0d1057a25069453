"""The ledger on MySQL; runs nothing of a plan, as `units` do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.rows import run_values
from lockgate.executors.ledger.store import BEGIN_RUN, CLOSE_DEAD_RUNS, lost_lock
from lockgate.executors.ledger.tables import OWN_NAMES, Tables
from lockgate.executors.mysql.connection import OWN, version_number
from lockgate.executors.mysql.ledger import CREATE_TABLES, TABLES, about_tables, read_tables
from lockgate.executors.mysql.limits import refuse_big, refuse_percent
from lockgate.executors.mysql.session import GuardedSessions
from lockgate.executors.states import RunStatus
from lockgate.planner.database.server import Server
from lockgate.planner.errors import UsageError
from lockgate.planner.sql.dialect import MYSQL, Dialect

if TYPE_CHECKING:
    from lockgate.executors.engine import Row, Run
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.ledger import Identity
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.plan import Step

FACTS = """
select database(), @@sql_mode, @@global.read_only, utc_timestamp(6), {mark}
"""
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
# What a section may have set that would change what lockgate writes.
OWN_SETTINGS = f"set names utf8mb4, session sql_safe_updates = 0, session {', session '.join(OWN)}"
# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
NO_SAVEPOINT = "1305"
NOT_ROLLED_BACK = 1196
LOST_IN_QUERY = "2013"  # https://dev.mysql.com/doc/mysql-errors/9.7/en/client-error-reference.html


class MySQLSession(GuardedSessions):
    """A session on a MySQL database: all of `executors.engine.Engine` but `run_unit`."""

    clock = "current_timestamp(6)"
    lost_code = LOST_IN_QUERY
    parent_code = "3730"  # of DROP TABLE on a table that foreign keys of others need
    dialect: Dialect = MYSQL
    mark = "server_uuid"
    statement_limit = "max_execution_time", 1000
    rebuilds_empty_tables = True  # where it would change a filled one in place

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        super().__init__(address, environment)
        self.history_name = environment.history.table
        self.copy_limit = environment.copies.limit
        try:
            self.server = self.read_server(environment.history.schema_)
        except BaseException:
            self.close()
            raise

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
        names = [self.history_name, *OWN_NAMES.values()]
        asked = about_tables(self.history_schema, self.history_name, names)
        return read_tables(self.query_all(TABLES, asked), self.history_name)

    def ensure_tables(self, identity: Identity) -> None:
        if missing := (self.tables or self._checked_tables()).missing(CREATE_TABLES):
            self._create_tables(missing)
            self.forget_tables()
        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        self.execute(self.named(IDENTIFY), values)

    def _create_tables(self, missing: Iterable[str]) -> None:
        if self._schema_lacking:
            self.execute(f"create database if not exists {self.quote(self.history_schema)}")
        for sql in missing:
            self.execute(self.named(sql))

    def begin_run(self, run: Run, identity: Identity) -> None:
        (limit,) = self.query_one("select @@max_allowed_packet") or (0,)
        refuse_big(run, limit)
        self.ensure_tables(identity)
        with self.transaction():
            self.execute(self.named(CLOSE_DEAD_RUNS))
            self.execute(self.named(BEGIN_RUN), run_values(run, RunStatus.LOCKED))

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

    def roll_back(self) -> bool:
        """Ends the open transaction; whether all of it was undone: tables of other storage
        engines than InnoDB keep their rows."""
        self.execute("rollback")
        warnings = self.query_all("show warnings")
        return all(code != NOT_ROLLED_BACK for _, code, _ in warnings)

    def read_server(self, schema: str | None) -> Server:
        ((version,),) = self.query_all("select version()")
        self.refuse_other_server(version)
        (row,) = self.query_all(FACTS.format(mark=f"@@global.{self.mark}"))
        database, sql_mode, read_only, now, mark = row
        self.history_schema = schema or database
        refuse_percent(self.history_schema)
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
