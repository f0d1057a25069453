"""What is asked of a MySQL or MariaDB server for a fleet: definitions in short, and load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lockgate.executors.engine import Load
from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.executors.mysql.connection import translated
from lockgate.planner.errors import Unreachable
from lockgate.planner.fleet.grouping import Outline
from lockgate.planner.plan.drift import made_by_migrations

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

SIZES = """
select table_name, coalesce(table_rows, 0), coalesce(data_length, 0) + coalesce(index_length, 0)
from information_schema.tables where table_schema = %s and table_type = 'BASE TABLE'
"""
RUNNING = """
select count(*) from information_schema.processlist where command = 'Query'
    and id <> connection_id()
"""
OLDEST = """
select max(timestampdiff(microsecond, trx_started, now(6))) / 1000000
from information_schema.innodb_trx where trx_mysql_thread_id <> connection_id()
"""


class MySQLSurvey:
    """What is asked of the server; implements `executors.engine.Survey`."""

    def __init__(self, session: MySQLSession) -> None:
        self._session = session

    def read_outline(self) -> Outline:
        """All that the session's database holds but rows, rights on all of it, and our tables."""
        rows = self._session.query_all(SIZES, (self._session.server.database,))
        sizes = {name: (int(count), int(size)) for name, count, size in rows}
        return Outline(made_by_migrations(read_catalogue(self._session)).digest, sizes)

    def read_outlines(self, schemas: Sequence[str]) -> Mapping[str, Outline]:
        """Of none: a schema is a database here."""
        return {}

    def read_load(self) -> Load:
        """What the server is doing beside this session; a primary knows no lag."""
        ((running,),) = self._session.query_all(RUNNING)
        ((oldest,),) = self._session.query_all(OLDEST)
        return Load(int(running), None if oldest is None else float(oldest))

    def query_read_only(self, sql: str) -> list[dict[str, Any]]:
        """The rows of somebody else's query by their columns."""
        self._session.execute("start transaction read only")
        try:
            with translated(), self._session.work.cursor() as cursor:
                cursor.execute(sql)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        finally:
            with suppress(Unreachable, ServerError):
                self._session.execute("rollback")
