"""What a plan's own functions take away is a loss where they are called; the lists of the servers'
functions are those of the live servers."""

from typing import Any

import psycopg
import pymysql
import pytest

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.calls import (
    clause_words,
    own_calls,
    server_functions,
)
from lockgate.planner.reading.reader import read_impacts
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import DIALECTS
from tests.servers.postgres import PostgresServer

SQL = "create function f() returns int language sql as $$ delete from a; select 1 $$"
ATOMIC = "create function f() returns int begin atomic delete from a; select 1; end"
TRUNCATES = "create procedure f() language plpgsql as $$ begin execute 'truncate a'; end $$"
FUNCTION = "create function f() returns int deterministic begin delete from a; return 1; end"
PROCEDURE = "create procedure f(n varchar(5)) begin drop table a; end"
SOME = "create function f() returns int deterministic begin delete from a where b; return 1; end"


@pytest.mark.parametrize(
    ("engine", "statements"),
    [
        ("postgresql", [SQL, "select f()"]),
        ("postgresql", [SQL, "insert into t values (public.f())"]),
        ("postgresql", [ATOMIC, "do $$ declare n int; begin n := f(); end $$"]),
        ("postgresql", [TRUNCATES, "call f()"]),
        ("postgresql", [SQL, "create function g() returns int language sql as 'select f()'",
                        "update t set a = g()"]),
        ("postgresql", ["create function g() returns int language plpgsql as "
                        "$$ begin return f(); end $$", SQL, "select g()"]),
        ("mysql", [FUNCTION, "select f()"]),
        ("mysql", [FUNCTION, "insert into t (a) values (f())"]),
        ("mariadb", [PROCEDURE, "call shop.f(1)"]),
        ("mariadb", [PROCEDURE, "create event e on schedule every 1 day do call f('')"]),
    ],
)  # fmt: skip
def test_a_call_loses_what_the_plans_own_function_takes(engine: str, statements: list[str]) -> None:
    *_, last = read_impacts(statements, DIALECTS[engine], Facts())
    assert last.reading.opaque
    assert [one for one in last.loses if one.endswith("takes away, which it calls")]


@pytest.mark.parametrize(
    ("engine", "statements"),
    [
        ("postgresql", [SQL]),
        ("postgresql", [SQL, "create view v as select f()"]),
        ("postgresql", [SQL.replace("from a", "from a where b"), "select f()"]),
        ("mysql", [SOME, "select f()"]),
        ("mysql", [FUNCTION, "select g()"]),
    ],
)
def test_nothing_is_lost_without_the_call_or_with_a_condition(
    engine: str, statements: list[str]
) -> None:
    *_, last = read_impacts(statements, DIALECTS[engine], Facts())
    assert last.loses == ()


def test_calls_are_told_from_tables_with_columns() -> None:
    sql = "begin insert into t (a) select f(b), `count`(1) from x as y (c) where d in (1); end"
    found = list(read_tokens(sql, DIALECTS["mysql"]).rest())
    assert own_calls(found, "mysql") == {"f", "count"}


OF_POSTGRESQL = """
select proname from pg_catalog.pg_proc where pronamespace = 'pg_catalog'::regnamespace
union select typname from pg_catalog.pg_type
where typnamespace = 'pg_catalog'::regnamespace and typtype <> 'c' and typname !~ '^_'"""
# These could be names of functions, but in code they are words of clauses.
CLAUSES = (
    "assert begin by conflict cube cursor elseif elsif execute exit filter if include insert key"
    " like materialized next of options over partition perform query recursive return rollup set"
    " sets update varying view while except"
)


def test_postgresqls_own_functions_are_those_of_the_server(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        names = {name for (name,) in connection.execute(OF_POSTGRESQL)}
        assert names <= server_functions("postgresql")
        query = "select word from pg_get_keywords() where catcode in ('C', 'R')"
        reserved = {word for (word,) in connection.execute(query)}
        assert clause_words("postgresql") - reserved <= set(CLAUSES.split())


NO_FUNCTION = 1305
OF_OTHER_VERSIONS = {
    "mysql": "md5 sha sha1 wait_until_sql_thread_after_gtids",
    "mariadb": "format_bytes format_pico_time json_array_intersect json_key_value"
    " json_object_filter_keys json_object_to_array json_schema_valid kdf uuid_v4 uuid_v7"
    " vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext vec_totext",
}


def test_those_of_the_family_are_those_of_the_server(
    family_server: Any, family_database: str
) -> None:
    """What the server does not have as a function of its own is none here either."""
    engine = family_server.engine
    with family_server.connect(family_database) as connection, connection.cursor() as cursor:
        stored = {one for one in server_functions(engine) if _error(cursor, one) == NO_FUNCTION}
        # What another engine, or PostgreSQL, has, and this one does not.
        others = server_functions("mysql") | server_functions("mariadb")
        own = {one for one in others - stored if _error(cursor, one) != NO_FUNCTION}
    assert stored <= set(OF_OTHER_VERSIONS[engine].split())
    assert own <= server_functions(engine) | clause_words(engine)


def _error(cursor: Any, name: str) -> int:
    try:
        cursor.execute(f"explain select {name}()")
    except pymysql.Error as error:
        return int(error.args[0])
    return 0
