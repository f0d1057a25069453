"""What a statement changes or names beyond its own database."""

import pytest

from lockgate.planner.reading.server_wide import changes_server, created_roles, named_databases
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL


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
        "create/**/role app",
        "do $$ begin if true then execute 'grant admin to app'; end if; end $$",
    ],
)
def test_what_the_databases_of_postgresql_share_is_told(sql: str) -> None:
    assert changes_server(sql, POSTGRESQL)


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
def test_what_is_postgresqls_own_database_is_not_told(sql: str) -> None:
    assert not changes_server(sql, POSTGRESQL)


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
        "/* why */ create user app",
        "create event e on schedule every 1 day do drop user app",
        "prepare s from 'drop user app'",
    ],
)
def test_what_the_databases_of_mysql_share_is_told(sql: str) -> None:
    assert changes_server(sql, MYSQL)
    assert changes_server(sql, MARIADB)


@pytest.mark.parametrize(
    "sql",
    [
        "grant select on t to app",
        "set session sql_mode = ''",
        "alter table t\n  change a b int,\n  drop user",
        "create table role_names (id int)",
        "insert into t values ('; drop user app')",
        "select 1 -- ; drop user app",
    ],
)
def test_what_is_mysqls_own_database_is_not_told(sql: str) -> None:
    assert not changes_server(sql, MYSQL)
    assert not changes_server(sql, MARIADB)


@pytest.mark.parametrize(
    "sql",
    [
        "create table shop.t (id int)",
        "insert into `shop` . t values (1)",
        "use shop",
        "prepare s from 'drop table shop.t'",
        "create procedure p() begin delete from shop.t; end",
    ],
)
def test_the_databases_that_a_statement_names_are_known(sql: str) -> None:
    assert "shop" in named_databases(sql, MYSQL)
    assert named_databases(sql, POSTGRESQL) == frozenset()


@pytest.mark.parametrize(
    "sql",
    [
        "select shop from t",
        "select t.shop from t",
        "select 1.5",
        "insert into t values ('shop.t')",
        "select 1 /* shop.t */",
    ],
)
def test_a_word_that_names_no_database_is_none(sql: str) -> None:
    assert "shop" not in named_databases(sql, MYSQL)


def test_the_roles_that_a_statement_creates_are_known() -> None:
    assert created_roles('create user "A ""b"""', POSTGRESQL) == {'A "b"'}
    assert created_roles("CREATE ROLE App", POSTGRESQL) == {"app"}
    assert created_roles("do $$ begin execute 'create group g'; end $$", POSTGRESQL) == {"g"}
    assert created_roles("create user mapping for app server s", POSTGRESQL) == frozenset()
