"""What a PostgreSQL database is like, asked by its session; implements `executors.engine.Survey`.

What only some commands need is imported when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lockgate.executors.engine import Survey
from lockgate.executors.postgresql.blockers import read_session
from lockgate.planner.database.health import Load

if TYPE_CHECKING:
    from datetime import datetime

    from lockgate.executors.events import OtherSession
    from lockgate.executors.failure import Failure
    from lockgate.executors.postgresql.session import PostgreSQLSession
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.database.health import Access, Followers, Storage
    from lockgate.planner.database.occupancy import FoundTable
    from lockgate.planner.fleet.grouping import Outline
    from lockgate.planner.plan.contract import Retired
    from lockgate.planner.plan.plan import Plan

LOAD = """
select count(*) filter (where state = 'active'),
    extract(epoch from max(clock_timestamp() - xact_start))::float8,
    (select extract(epoch from max(replay_lag))::float8 from pg_stat_replication)
from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
"""
OPEN_TRANSACTIONS = """
select pid, coalesce(usename, ''), coalesce(host(client_addr), ''),
    to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    coalesce(application_name, ''), case state when 'active' then query else '' end
from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
    and datname = current_database() and xact_start < clock_timestamp() - interval '1 second'
order by xact_start limit 3
"""


class PostgreSQLSurvey(Survey):
    """What is asked of a PostgreSQL server for a fleet; implements `executors.engine.Survey`."""

    session: PostgreSQLSession

    def __init__(self, session: PostgreSQLSession) -> None:
        self.session = session

    def read_outlines(self, schemas: Sequence[str]) -> dict[str, Outline]:
        from lockgate.executors.postgresql.catalogue.outlines import read_outlines

        return read_outlines(self.session, schemas)

    def read_outline(self) -> Outline:
        from lockgate.executors.postgresql.catalogue.outlines import read_outline

        return read_outline(self.session)

    def read_definitions(self) -> tuple[str, ...]:
        from lockgate.executors.postgresql.catalogue.outlines import read_definitions

        return read_definitions(self.session)

    def read_facts(self) -> Facts:
        from lockgate.executors.postgresql.facts import read_facts

        return read_facts(self.session)

    def find_tables(self) -> list[FoundTable]:
        from lockgate.executors.postgresql.facts import find_tables

        return find_tables(self.session)

    def read_catalogue(self) -> Catalogue:
        from lockgate.executors.postgresql.catalogue.catalogue import read_catalogue

        return read_catalogue(self.session)

    def read_digests(self) -> dict[str, str]:
        from lockgate.executors.postgresql.catalogue.catalogue import digests_expression

        ((told,),) = self.session.query_all(f"select {digests_expression(self.session)}")
        digests: dict[str, str] = json.loads(told)
        return digests

    def find_syntax_error(self, plan: Plan) -> Failure | None:
        return None  # the reader has its grammar

    def read_access(self) -> Access:
        from lockgate.executors.postgresql.catalogue.health import read_access

        return read_access(self.session)

    def read_storage(self) -> Storage:
        from lockgate.executors.postgresql.catalogue.health import read_storage

        return read_storage(self.session)

    def read_followers(self) -> Followers:
        from lockgate.executors.postgresql.catalogue.health import read_followers

        return read_followers(self.session)

    def read_load(self) -> Load:
        """What the server is doing beside this session."""
        running, oldest, lag = self.session.query_all(LOAD)[0]
        return Load(running, oldest, lag)

    def find_open_transactions(self) -> list[OtherSession]:
        return list(map(read_session, self.session.query_all(OPEN_TRANSACTIONS)))

    def find_readers(self, dropped: Sequence[Retired], since: datetime) -> list[str]:
        from lockgate.executors.postgresql.catalogue.readers import find_readers

        return find_readers(self.session, dropped, since)

    def query_read_only(self, sql: str) -> list[dict[str, Any]]:
        """The rows of somebody else's query by their columns."""
        return self.session.query_read_only(sql)
