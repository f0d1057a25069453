"""Which statements reach beyond a scratch database, by each engine's rule; asks no server."""

import pytest

from lockgate.executors.mysql import scratch as mysql
from lockgate.executors.postgresql import scratch as postgresql
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.rehearsal import Reach, refuse_reaching
from lockgate.planner.plan.statement import PlannedStatement, statement_digest


def statements(sql: str) -> list[PlannedStatement]:
    digest = statement_digest(sql, None)
    return [PlannedStatement(line=1, sql=sql, guarantee="transactional", digest=digest)]


@pytest.mark.parametrize(
    "sql",
    [
        "create role app",
        "drop user app",
        "alter role app set search_path = a",
        "alter system set work_mem = '1GB'",
        "create tablespace fast location '/a'",
        "grant admin to app",
        "do $$ begin create role app; end $$",
    ],
)
def test_what_the_databases_of_postgresql_share_is_refused(sql: str) -> None:
    with pytest.raises(UsageError, match="share"):
        refuse_reaching(statements(sql), Reach(frozenset(), postgresql.SHARED))


@pytest.mark.parametrize(
    "sql",
    [
        "grant select on t to app",
        "grant select\n  on t to app",
        "create schema app",
        "create user mapping for app server s",
        "alter table t\n  drop user,\n  add role text",
        "comment on table t is 'create role'",
    ],
)
def test_what_is_postgresqls_own_database_is_not_refused(sql: str) -> None:
    refuse_reaching(statements(sql), Reach(frozenset(), postgresql.SHARED))


@pytest.mark.parametrize(
    "sql",
    [
        "create user app",
        "create or replace role app",
        "drop database other",
        "alter schema other character set utf8mb4",
        "set global max_connections = 1",
        "grant select on *.* to app",
        "grant admin to app",
        "flush tables",
    ],
)
def test_what_the_databases_of_mysql_share_is_refused(sql: str) -> None:
    with pytest.raises(UsageError, match="share"):
        refuse_reaching(statements(sql), Reach(frozenset(), mysql.SHARED))


@pytest.mark.parametrize(
    "sql",
    [
        "grant select on t to app",
        "set session sql_mode = ''",
        "alter table t\n  change a b int,\n  drop user",
        "create table role_names (id int)",
    ],
)
def test_what_is_mysqls_own_database_is_not_refused(sql: str) -> None:
    refuse_reaching(statements(sql), Reach(frozenset(), mysql.SHARED))
