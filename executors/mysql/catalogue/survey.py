"""What a database of MySQL or MariaDB is like, asked by its session; implements
`executors.engine.Survey`. What only some commands need is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lockgate.executors.engine import Survey
from lockgate.executors.events import OtherSession, first_words
from lockgate.executors.failure import Failure, ServerError
from lockgate.executors.mysql.batches.gauges import OLDEST
from lockgate.executors.mysql.connection import translated
from lockgate.planner.database.health import Load
from lockgate.planner.errors import Unreachable

if TYPE_CHECKING:
    from datetime import datetime

    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.database.health import Access, Followers, Storage
    from lockgate.planner.database.occupancy import FoundTable
    from lockgate.planner.fleet.grouping import Outline
    from lockgate.planner.plan.contract import Retired
    from lockgate.planner.plan.plan import Plan

SIZES = """
select table_name, coalesce(table_rows, 0), coalesce(data_length, 0) + coalesce(index_length, 0)
from information_schema.tables where table_schema = %s and table_type = 'BASE TABLE'
"""
RUNNING = """
select count(*) from information_schema.processlist where command = 'Query'
    and id <> connection_id()
"""
# https://dev.mysql.com/doc/refman/9.7/en/information-schema-innodb-trx-table.html
OPEN_TRANSACTIONS = """
select p.id, p.user, p.host, date_format(convert_tz(t.trx_started, 'SYSTEM', '+00:00'),
    '%Y-%m-%dT%TZ'), '', coalesce(p.info, '')
from information_schema.innodb_trx t
join information_schema.processlist p on p.id = t.trx_mysql_thread_id
where p.id <> connection_id() and p.db = database() and t.trx_started
    < convert_tz(utc_timestamp(), '+00:00', 'SYSTEM') - interval 1 second
order by t.trx_started limit 3
"""


class MySQLSurvey(Survey):
    """What is asked of the server; implements `executors.engine.Survey`."""

    session: MySQLSession

    def __init__(self, session: MySQLSession) -> None:
        self.session = session

    def read_outline(self) -> Outline:
        """All that the session's database holds but rows, rights on all of it, and our tables."""
        from lockgate.planner.fleet.grouping import Outline
        from lockgate.planner.plan.drift import made_by_migrations

        rows = self.session.query_all(SIZES, (self.session.server.database,))
        sizes = {name: (int(count), int(size)) for name, count, size in rows}
        return Outline(made_by_migrations(self.read_catalogue()).digest, sizes)

    def read_definitions(self) -> tuple[str, ...]:
        from lockgate.planner.plan.drift import made_by_migrations

        objects = made_by_migrations(self.read_catalogue()).objects
        return tuple(f"{name}: {line}" for name in sorted(objects)
                     for line in objects[name].splitlines())  # fmt: skip

    def read_outlines(self, schemas: Sequence[str]) -> Mapping[str, Outline]:
        """Of none: a schema is a database here."""
        return {}

    def read_facts(self) -> Facts:
        from lockgate.executors.mysql.facts import read_facts

        return read_facts(self.session)

    def find_tables(self) -> list[FoundTable]:
        from lockgate.executors.mysql.facts import find_tables

        return find_tables(self.session)

    def read_catalogue(self) -> Catalogue:
        from lockgate.executors.mysql.catalogue.catalogue import read_catalogue

        return read_catalogue(self.session)

    def read_digests(self) -> dict[str, str]:
        from lockgate.planner.plan.drift import made_by_migrations

        return made_by_migrations(self.read_catalogue()).digests()

    def find_syntax_error(self, plan: Plan) -> Failure | None:
        from lockgate.executors.mysql.syntax import find_syntax_error

        return find_syntax_error(self.session, plan)

    def read_access(self) -> Access:
        from lockgate.executors.mysql.catalogue.health import read_access

        return read_access(self.session)

    def read_storage(self) -> Storage:
        from lockgate.executors.mysql.catalogue.health import read_storage

        return read_storage(self.session)

    def read_followers(self) -> Followers:
        from lockgate.executors.mysql.catalogue.health import read_followers

        return read_followers(self.session)

    def read_load(self) -> Load:
        """What the server is doing beside this session; a primary knows no lag."""
        ((running,),) = self.session.query_all(RUNNING)
        ((oldest,),) = self.session.query_all(OLDEST)
        return Load(int(running), float(oldest) / 1000)

    def find_open_transactions(self) -> list[OtherSession]:
        with suppress(ServerError):  # without the right PROCESS
            return [
                OtherSession(pid, user, host, since, program, first_words(sql))
                for pid, user, host, since, program, sql in self.session.query_all(
                    OPEN_TRANSACTIONS
                )
            ]
        return []

    def find_readers(self, dropped: Sequence[Retired], since: datetime) -> list[str]:
        from lockgate.executors.mysql.catalogue.readers import find_readers

        return find_readers(self.session, dropped, since)

    def query_read_only(self, sql: str) -> list[dict[str, Any]]:
        """The rows of somebody else's query by their columns."""
        self.session.execute("start transaction read only")
        try:
            with translated(), self.session.work.cursor() as cursor:
                cursor.execute(sql)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        finally:
            with suppress(Unreachable, ServerError):
                self.session.execute("rollback")
