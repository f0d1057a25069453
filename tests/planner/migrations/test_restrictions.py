"""Statements that a section may not hold, since lockgate runs the transactions."""

from dataclasses import replace

import pytest

from lockgate.planner.errors import BadSyntax, MigrationFileError, MigrationFileErrors
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect
from tests.planner.literals import parse


def section(sql: str, options: str = "") -> str:
    return f"-- migrate:up {options}\nselect 1;\n{sql};\n"


def refused(sql: str, dialect: Dialect = POSTGRESQL, options: str = "") -> MigrationFileError:
    with pytest.raises(MigrationFileError) as caught:
        parse(section(sql, options), dialect=dialect)
    assert caught.value.line == 3
    assert str(caught.value.path) == "001_users.sql"
    assert caught.value.do
    return caught.value


@pytest.mark.parametrize("options", ["", "transaction:false"])
@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, MARIADB], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "sql",
    [
        *("begin", "BEGIN WORK", "begin isolation level serializable", "start transaction"),
        *("commit", "commit and chain", "rollback", "rollback work"),
        *("end", "abort", "prepare transaction 'a'"),
    ],
)
def test_a_section_may_not_begin_or_end_a_transaction(
    sql: str, dialect: Dialect, options: str
) -> None:
    error = refused(sql, dialect, options)
    assert "would disturb the transaction" in error.what
    assert "transaction:false" in error.do


def test_large_objects_of_pg_dump_are_refused_with_the_option_that_leaves_them_out() -> None:
    written = "select pg_catalog.lo_open('16384', 131072);\nselect pg_catalog.lo_close(0)"
    with pytest.raises(MigrationFileErrors) as caught:
        parse(section(f"BEGIN;\n{written};\nCOMMIT"))
    for error in caught.value.errors:
        assert "would disturb the transaction" in error.what
        assert "--no-large-objects" in error.do


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, MARIADB], ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("opens", "closes"),
    [("begin", "commit"), ("BEGIN WORK", "commit work"), ("start transaction", "COMMIT"),
     ("/* all */ begin", "commit -- of it")],
)  # fmt: skip
def test_a_section_that_is_one_transaction_is_taken_without_its_ends(
    dialect: Dialect, opens: str, closes: str
) -> None:
    text = f"-- migrate:up\n{opens};\nselect 1;\nselect 2;\n{closes};\n-- migrate:down\nselect 3;\n"
    sections = parse(text, dialect=dialect)
    assert [(one.sql, one.line) for one in sections.up.statements] == [
        ("select 1", 3),
        ("select 2", 4),
    ]
    with pytest.raises(MigrationFileError, match="would disturb the transaction"):
        parse(
            f"{text[:14]}\n{opens};\nselect 1;\ncommit;\nbegin;\nselect 2;\n{closes};\n",
            dialect=dialect,
        )


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda one: one.name)
def test_only_tables_that_a_section_has_made_are_locked_in_it(dialect: Dialect) -> None:
    made = (
        "create table `a` (x int);\ncreate table b (x int);\nlock tables `a` write, b as c read;\n"
    )
    taken = parse(
        f"-- migrate:up\n{made}insert into a values (1);\nunlock tables;\n", dialect=dialect
    )
    assert [one.words[0] for one in taken.up.statements] == ["create", "create", "insert"]
    for sql in ("lock tables a write", f"{made}unlock tables; lock tables a write, old read",
                "create table if not exists a (x int); lock table a write", "unlock tables",
            ):  # fmt: skip
        with pytest.raises(MigrationFileError, match="shuts lockgate's own tables out") as caught:
            parse(f"-- migrate:up\n{sql};\n", dialect=dialect)
        assert "transaction:false" not in caught.value.do


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda one: one.name)
def test_a_section_may_not_begin_a_transaction_of_several_servers(dialect: Dialect) -> None:
    assert "would disturb the transaction" in refused("xa start 'a'", dialect).what


@pytest.mark.parametrize("sql", ["COMMIT PREPARED 'a'", "rollback /* a */ prepared 'a'"])
def test_a_prepared_transaction_is_ended_outside_of_one(sql: str) -> None:
    assert "cannot run inside a transaction" in refused(sql).what
    assert len(parse(section(sql, "transaction:false")).up.statements) == 2


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("create tabel x (a int)", "3:8"),
        ("create table a (x int)\n  create table b (x int)", "4:3"),
        ("select 1\nfrom\n  from", "5:3"),
    ],
)
def test_a_syntax_error_is_told_with_its_place(sql: str, place: str) -> None:
    with pytest.raises(BadSyntax, match="syntax error at or near") as caught:
        parse(section(sql))
    assert str(caught.value).startswith(f"001_users.sql:{place}: ")
    with pytest.raises(BadSyntax):
        parse(section(sql, "transaction:false"))


def test_what_a_newer_server_may_know_is_left_to_it() -> None:
    newer = replace(POSTGRESQL, version=190001)
    assert len(parse(section("create tabel x (a int)"), dialect=newer).up.statements) == 2


def test_what_is_too_deep_to_be_read_is_no_syntax_error() -> None:
    deep = f"select {'(' * 20_000}1{')' * 20_000}"
    assert len(parse(section(deep)).up.statements) == 2


@pytest.mark.parametrize(
    "sql",
    [
        *("savepoint a", "rollback to a", "rollback to savepoint a", "rollback work to a"),
        *("release savepoint a", "set transaction isolation level serializable"),
        *("lock table t in exclusive mode", "prepare p as select 1", "call start_x()"),
        "create function f() returns int begin atomic select 1; end",
        "do $$ begin null; end $$",
        "create table begin_commit (id int)",
    ],
)
def test_savepoints_and_bodies_are_no_transaction_control(sql: str) -> None:
    assert len(parse(section(sql)).up.statements) == 2


@pytest.mark.parametrize("sql", ["savepoint a", "release savepoint a", "rollback to a"])
def test_savepoints_are_refused_where_each_statement_has_lockgates_own(sql: str) -> None:
    refused(sql, MYSQL)
    refused(sql, MARIADB)


@pytest.mark.parametrize("sql", ["lock tables t write", "lock table t read", "unlock tables"])
def test_table_locks_are_refused_where_they_commit(sql: str) -> None:
    refused(sql, MYSQL)
    refused(sql, MARIADB)


def test_a_compound_statement_of_mariadb_is_no_transaction_control() -> None:
    text = section("begin not atomic select 1; select 2; end")
    assert len(parse(text, dialect=MARIADB).up.statements) == 2


@pytest.mark.parametrize("options", ["", "transaction:false"])
@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "sql",
    [
        "do release_all_locks()",
        "set @a = 1 + RELEASE_ALL_LOCKS /* all */ ()",
        "select `release_all_locks`()",
        "insert into t values (release_all_locks())",
        "create table t as select release_all_locks() as a",
        "/*! select release_all_locks() */",
    ],
)
def test_a_section_may_not_give_away_the_migration_lock(
    sql: str, dialect: Dialect, options: str
) -> None:
    error = refused(sql, dialect, options)
    assert "would give away the migration lock" in error.what
    assert "release_lock('name')" in error.do


def test_what_is_too_long_to_be_read_may_not_hide_the_release_of_locks() -> None:
    refused(f"select {'1+' * 130_000} release_all_locks()", MYSQL)


def test_a_compound_statement_may_not_give_away_the_migration_lock() -> None:
    refused("begin not atomic do release_all_locks(); end", MARIADB)


@pytest.mark.parametrize(
    "sql",
    [
        "do release_lock('mine')",
        "select 'release_all_locks()', release_all_locks from t -- release_all_locks()",
        "select mine.release_all_locks()",
        "create procedure p() do release_all_locks()",
        "create definer = a@b function f() returns int return release_all_locks()",
        "create or replace view v as select release_all_locks()",
        "alter event e do do release_all_locks()",
    ],
)
def test_what_only_names_or_defines_the_release_of_locks_is_taken(sql: str) -> None:
    assert len(parse(section(sql), dialect=MYSQL).up.statements) == 2


def test_postgresql_has_no_release_all_locks() -> None:
    assert len(parse(section("select release_all_locks()")).up.statements) == 2


@pytest.mark.parametrize(
    "sql",
    [
        *("vacuum", "VACUUM (full) t", "create database a", "drop database a"),
        *("create tablespace a location '/a'", "drop tablespace a", "alter system set a = 1"),
        *("create index concurrently a on t (id)", "create unique index concurrently on t (id)"),
        *("drop index concurrently a", "reindex table concurrently t"),
        *("REINDEX (CONCURRENTLY) TABLE t", "reindex (verbose, concurrently on) index i"),
        *("reindex schema s", "create /* a */ database a", "do $$ begin commit; end $$"),
        "alter table t detach partition p concurrently",
    ],
)
def test_what_runs_only_outside_a_transaction_needs_a_section_of_its_own(sql: str) -> None:
    error = refused(sql)
    assert "cannot run inside a transaction" in error.what
    assert "transaction:false" in error.do
    assert len(parse(section(sql, "transaction:false")).up.statements) == 2


def test_a_view_is_refreshed_concurrently_inside_a_transaction() -> None:
    assert parse(section("refresh materialized view concurrently v")).up.transactional


def test_mysql_creates_a_database_in_any_section() -> None:
    assert parse(section("create database a"), dialect=MYSQL).up.transactional


def test_both_directions_are_looked_at() -> None:
    text = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\ncommit;\n"
    with pytest.raises(MigrationFileError, match="COMMIT") as caught:
        parse(text)
    assert caught.value.line == 5


def test_copy_to_stdout_has_no_client_to_receive_it() -> None:
    assert "STDOUT" in refused("copy t (id) to stdout", options="transaction:false").what
    assert len(parse(section("copy t to '/dev/null'")).up.statements) == 2


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda one: one.name)
@pytest.mark.parametrize("between", [" ", " /* x */ ", " comment = 'c'" * 20 + " "])
def test_a_table_that_leaves_a_transaction_open_is_refused(dialect: Dialect, between: str) -> None:
    sql = f"create table t (a int){between}start transaction"
    assert "START TRANSACTION" in refused(sql, dialect).what
    harmless = "create table t (start int, `transaction` int) comment 'start transaction'"
    assert parse(section(harmless), dialect=dialect).up


@pytest.mark.parametrize(
    "head", ["create", "create or replace", "create definer = 'a'@'b'", "create definer = root@b"]
)
def test_a_package_is_refused_for_what_it_is(head: str) -> None:
    sql = f"{head} package body p as function f() return int as begin return 1; end; end"
    assert "packages" in refused(sql, MARIADB).what
    assert parse(section("create table package (definer int)"), dialect=MARIADB).up
