"""What reaches out of a database is seen, also in code that a string holds; what only looks so is
not."""

import pytest

from lockgate.planner.reading.reaching import (
    CODE,
    FILES,
    FLUSHES,
    LOGS,
    OTHER_SESSIONS,
    PROGRAM,
    RESETS,
    SERVERS,
    SETTINGS,
    STOPS,
    read_reaching,
)
from lockgate.planner.reading.reader import read_section
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect

ON_POSTGRESQL = [
    ("copy (select 1) to program 'id'", PROGRAM),
    ("COPY t FROM PROGRAM 'curl http://x'", PROGRAM),
    ("copy t (a, b) from '/etc/passwd'", FILES),
    ("copy t to E'/tmp/a'", FILES),
    ("copy/**/t/**/to/**/program/**/'id'", PROGRAM),
    ("select lo_import('/etc/passwd')", FILES),
    ("select lo_export(1, '/tmp/a')", FILES),
    ("select pg_catalog.pg_read_file('/etc/passwd')", FILES),
    ("select \"pg_read_binary_file\"('/etc/passwd')", FILES),
    ("select * from pg_ls_dir('/')", FILES),
    ("create function f() returns int as 'libc.so.6', 'system' language c", CODE),
    ("create function f() returns int language 'C' as 'libc.so.6', 'system'", CODE),
    ("create function f() returns int language plpython3u as $$ return 1 $$", CODE),
    ("create function f() returns int as 'x' language internal", CODE),
    ("create extension plpython3u", CODE),
    ("create or replace language plperlu", CODE),
    ("load '/tmp/evil.so'", CODE),
    ("create extension if not exists dblink", SERVERS),
    ('create extension "postgres_fdw" cascade', SERVERS),
    ("create extension file_fdw", FILES),
    ("create server s foreign data wrapper w", SERVERS),
    ("create subscription s connection 'host=x' publication p", SERVERS),
    ("select * from dblink('host=x', 'select 1') as t (a int)", SERVERS),
    ("alter system set archive_command = 'id'", SETTINGS),
    ("create tablespace t location '/tmp'", FILES),
    ("grant pg_execute_server_program to app", PROGRAM),
    ("set role pg_write_server_files", FILES),
    ("do $$ begin copy t to program 'id'; end $$", PROGRAM),
    ("do $$ begin execute 'copy t to program ''id'''; end $$", PROGRAM),
    ("do 'begin perform pg_read_file(''/etc/passwd''); end'", FILES),
    (
        "create function f() returns void language plpgsql as "
        "$a$ begin execute $b$ copy t from '/etc/passwd' $b$; end $a$",
        FILES,
    ),
    ("with a as (select pg_read_file('/a')) select * from a", FILES),
    ("select pg_terminate_backend(pid) from pg_stat_activity", OTHER_SESSIONS),
    ("do $$ begin perform pg_cancel_backend(1); end $$", OTHER_SESSIONS),
    ("select pg_reload_conf()", SETTINGS),
    ("select pg_drop_replication_slot('s')", LOGS),
]
ON_MYSQL = [
    ("select 1 into outfile '/tmp/a'", FILES),
    ("select 1 into dumpfile '/tmp/a'", FILES),
    ("load data infile '/etc/passwd' into table t", FILES),
    ("load data local infile '/etc/passwd' into table t", FILES),
    ("LOAD XML INFILE '/a' INTO TABLE t", FILES),
    ("select load_file('/etc/passwd')", FILES),
    ("insert into t values (load_file('/etc/passwd'))", FILES),
    ("install plugin p soname 'evil.so'", CODE),
    ("install soname 'evil'", CODE),
    ("create function f returns string soname 'evil.so'", CODE),
    ("create aggregate function f returns integer soname 'evil.so'", CODE),
    ("create server s foreign data wrapper mysql options (host 'x')", SERVERS),
    ("create table t (a int) engine = federated connection = 'mysql://x/y/z'", SERVERS),
    ("create table t (a int) engine=connect table_type=csv file_name='/etc/passwd'", FILES),
    ("create table t (a int) data directory = '/tmp'", FILES),
    ("set global general_log_file = '/tmp/a'", SETTINGS),
    ("set @@global.general_log = 1", SETTINGS),
    ("create procedure p() begin select 1 into outfile '/tmp/a'; end", FILES),
    ("prepare s from 'select load_file(''/etc/passwd'')'", FILES),
    ("/*!50000 select 1 into outfile '/tmp/a' */", FILES),
    ("shutdown", STOPS),
    ("restart", STOPS),
    ("kill 5", OTHER_SESSIONS),
    ("kill soft query id 5", OTHER_SESSIONS),
    ("lock instance for backup", OTHER_SESSIONS),
    ("create event e on schedule every 1 day do kill 5", OTHER_SESSIONS),
    ("create trigger t before insert on a for each row kill 5", OTHER_SESSIONS),
    ("create procedure p() begin if 1 then shutdown; end if; end", STOPS),
    ("flush tables with read lock", FLUSHES),
    ("/*!50000 flush privileges */", FLUSHES),
    ("reset master", RESETS),
    ("reset binary logs and gtids", RESETS),
    ("reset persist", RESETS),
    ("purge binary logs before now()", LOGS),
    ("binlog 'x'", LOGS),
    ("stop replica", SERVERS),
    ("set persist max_connections = 5", SETTINGS),
    ("set @@persist.max_connections = 5", SETTINGS),
    ("alter instance reload tls", SETTINGS),
    ("prepare s from 'shutdown'", STOPS),
]
HARMLESS_ON_POSTGRESQL = [
    "copy t from stdin",
    "copy (select a from t) to stdout",
    "insert into t values ('copy t to program ''id''')",
    "comment on table t is 'select pg_read_file()'",
    "create function f() returns int language sql as $$ select 1 $$",
    "create function f() returns int language plpgsql as $$ begin return 1; end $$",
    "create extension pgcrypto",
    "create table program (copy text, language text, extension text)",
    "alter table t add column lo_import text",
    "select 'a' as load, b from copy where language = 'c'",
]
HARMLESS_ON_MYSQL = [
    "insert into t values ('select 1 into outfile ''/tmp/a''')",
    "create table t (load_file text, outfile text) engine = InnoDB",
    "select a into @b from t",
    "set session sql_mode = ''",
    "select @@global.time_zone",
    "create table shutdown (kill int, flush int, reset int, purge int)",
    "select `kill`, repeat('reset', 2), shutdown from restart",
    "start transaction",
    "lock tables t write",
]


@pytest.mark.parametrize(("sql", "expected"), ON_POSTGRESQL)
def test_postgresql(sql: str, expected: str) -> None:
    assert expected in read_reaching(sql, POSTGRESQL)


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(("sql", "expected"), ON_MYSQL)
def test_mysql(sql: str, expected: str, dialect: object) -> None:
    assert expected in read_reaching(sql, dialect)


@pytest.mark.parametrize("sql", HARMLESS_ON_POSTGRESQL)
def test_harmless_on_postgresql(sql: str) -> None:
    assert read_reaching(sql, POSTGRESQL) == ()


@pytest.mark.parametrize("sql", HARMLESS_ON_MYSQL)
def test_harmless_on_mysql(sql: str) -> None:
    assert read_reaching(sql, MYSQL) == ()


def test_it_is_a_part_of_the_reading() -> None:
    for sql, dialect in ((ON_POSTGRESQL[0][0], POSTGRESQL), (ON_MYSQL[0][0], MYSQL)):
        reading = next(read_section([sql], dialect))
        assert reading.reaches_out == read_reaching(sql, dialect) != ()


RIGHTS_ON_POSTGRESQL = [
    "GRANT select ON t TO app",
    "create user app",
    "alter role app superuser",
    "alter default privileges in schema s grant select on tables to app",
    "set local role app",
    "set session authorization app",
    "reassign owned by a to b",
    "do $$ begin grant all on t to app; end $$",
    "do $$ begin execute 'grant all on t to app'; end $$",
    "create function f() returns int language sql security definer as $$ select 1 $$",
    "set session_replication_role = replica",
    "select set_config('role', 'app', false)",
    "select pg_catalog.set_config('Session_Authorization', 'app', false)",
    "select set_config(name, value, false) from settings",
    "do $$ begin perform set_config('role', 'app', false); end $$",
    "alter database shop set search_path = evil, public",
    "alter database shop reset all",
    "alter role app set session_preload_libraries = 'x'",
    "alter user all in database shop set row_security = off",
    "alter/**/role current_user/**/reset/**/work_mem",
    "do $$ begin execute 'alter database shop set a.b = 1'; end $$",
    "create event trigger e on ddl_command_end execute function f()",
    "alter event trigger e enable always",
    "security label for x on table t is 'secret'",
    "alter table t owner to app",
    "alter function f() owner to current_user",
    "do $$ begin execute 'alter schema s owner to app'; end $$",
    "create policy p on t using (true)",
    "drop policy p on t",
    "alter table t disable row level security",
    "alter table t no force row level security",
    "do $$ begin execute 'alter table t disable row level security'; end $$",
]
RIGHTS_ON_MYSQL = [
    "grant all on *.* to app",
    "create user app identified by 'x'",
    "alter user app account unlock",
    "set password for app = 'x'",
    "set default role all to app",
    "create procedure p() begin grant all on t to app; end",
    "prepare s from 'grant all on t to app'",
]
NO_RIGHTS = [
    "revoke all on t from app",
    "create table role (grant_id int, password text)",
    "insert into t values ('grant all on t to app')",
    "select user, role from t where password = 'grant'",
    "comment on table t is 'set role x'",
    "select pg_catalog.set_config('search_path', '', false)",
    "alter database shop set tablespace fast",
    "alter database shop rename to store",
    "alter table database alter column role set default 'x'",
    "create table event (owner text, label text, policy text)",
    "alter table t drop column policy, add security text",
    "comment on table t is 'owner to app'",
]


@pytest.mark.parametrize("sql", RIGHTS_ON_POSTGRESQL)
def test_it_changes_rights_on_postgresql(sql: str) -> None:
    assert next(read_section([sql], POSTGRESQL)).changes_rights


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("sql", RIGHTS_ON_MYSQL)
def test_it_changes_rights_on_mysql(sql: str, dialect: Dialect) -> None:
    assert next(read_section([sql], dialect)).changes_rights


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("sql", NO_RIGHTS)
def test_it_changes_no_rights(sql: str, dialect: Dialect) -> None:
    assert not next(read_section([sql], dialect)).changes_rights


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("copy " * 200_000, POSTGRESQL),
        ("copy to " * 100_000, POSTGRESQL),
        ("load " * 200_000, POSTGRESQL),
        ("@@global " * 100_000, MYSQL),
        ("engine " * 100_000, MYSQL),
    ],
)
def test_what_comes_again_and_again_is_passed_once(sql: str, dialect: Dialect) -> None:
    """Each used to look at all others: hours for a megabyte."""
    assert read_reaching(sql, dialect) == ()


def test_a_copy_is_found_behind_others_and_ends_with_its_statement() -> None:
    sql = "do $$ copy t to stdout; copy u from stdin; copy t to program 'x' $$"
    assert read_reaching(sql, POSTGRESQL) == ("runs a program on the server",)
    assert read_reaching("do $$ copy t to stdout; move to 'x' $$", POSTGRESQL) == ()
