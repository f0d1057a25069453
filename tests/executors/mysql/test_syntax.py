"""Whether a plan's statements are SQL: asked of live servers, which run nothing of it."""

from typing import Any

import pytest

from tests.executors.building import open_test_engine, plan_for
from tests.executors.rows import ask, execute


def found(server: Any, database: str, *statements: str) -> tuple[str, int, int] | None:
    """The code of the first error of syntax, with its line in the file, from 2, and its column."""
    with open_test_engine(server, database) as engine:
        failure = engine.survey.find_syntax_error(
            plan_for(engine, {"001_a": ";\n".join(statements)})
        )
    return (failure.error.code, failure.line, failure.column) if failure else None


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("selec 1", 3, 1),
        ("alter table t add index i (a", 3, 29),
        ("update t\nset a 1", 4, 7),
        ("insert into t values (1),\n (2", 4, 4),
        (f"select 1 from where a = '{'x' * 200}'", 3, 15),
        ("create table u (a int,\n\n b int int)", 5, 8),
    ],
)
def test_a_typo_is_found_with_its_place(
    family_server: Any, family_database: str, sql: str, line: int, column: int
) -> None:
    assert found(family_server, family_database, "create table t (a int)", sql) == (
        *("1064", line, column),
    )


@pytest.mark.parametrize(
    "sql",
    [
        "insert into nowhere values (1)",
        "alter table nowhere add a int",
        "select 'a' 'b', ?",
        "create procedure p() begin select 1; end",
        "create trigger g before insert on nowhere for each row set @a = 1",
        "/*!50000 create table u (a int) */",
        "/*!99999 this is nothing */",
        "use mysql",
        "grant select on *.* to nobody_there",
        "set @a = 1, @b = (select 1)",
        "prepare s from 'selec'",
        "begin not atomic select 1; end",
    ],
)
def test_what_is_refused_for_another_reason_is_no_error_of_syntax(
    family_server: Any, family_database: str, sql: str
) -> None:
    if "atomic" in sql and family_server.engine == "mysql":
        pytest.skip("MariaDB's own")
    assert found(family_server, family_database, sql) is None


def test_nothing_is_run(family_server: Any, family_database: str) -> None:
    execute(family_server, family_database, "create table t (a int)", "insert into t values (1)")
    harmful = ("delete from t", "drop table t", "create table u (a int)",
               "set @@global.max_connect_errors = 77")  # fmt: skip
    assert found(family_server, family_database, *harmful) is None
    assert ask(family_server, family_database, "select * from t") == [(1,)]
    assert ask(family_server, family_database, "show tables") == [("t",)]
    assert ask(family_server, family_database, "select @@max_connect_errors") != [(77,)]


def test_a_table_that_others_keep_closed_does_not_hold_the_plan_up(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table t (a int)")
    with family_server.connect(family_database) as connection, connection.cursor() as cursor:
        cursor.execute("lock tables t write")
        assert found(family_server, family_database, "insert into t values (1)", "selec 1") == (
            "1064",
            3,
            1,
        )


def test_the_modes_of_the_server_decide(family_server: Any, family_database: str) -> None:
    [(_, before)] = ask(family_server, None, "show global variables like 'sql_mode'")
    execute(family_server, None, f"set global sql_mode = '{before},ANSI_QUOTES'")
    try:
        assert found(family_server, family_database, 'create table "t" (a int)') is None
    finally:
        execute(family_server, None, f"set global sql_mode = '{before}'")
    assert found(family_server, family_database, 'create table "t" (a int)') == ("1064", 2, 14)


def test_from_where_a_section_sets_another_mode_nothing_is_asked(
    family_server: Any, family_database: str
) -> None:
    statements = ("set sql_mode = 'IGNORE_SPACE'", "select now ()", "selec 1")
    assert found(family_server, family_database, *statements) is None


def test_the_way_back_is_asked_about_too(family_server: Any, family_database: str) -> None:
    text = "-- migrate:up\ncreate table t (a int);\n-- migrate:down\ndrop tabel t;"
    with open_test_engine(family_server, family_database) as engine:
        failure = engine.survey.find_syntax_error(plan_for(engine, {"001_a": text}))
    assert failure is not None
    assert (failure.line, failure.column) == (4, 6)


def test_an_error_in_a_batch_does_not_hide_what_follows(
    family_server: Any, family_database: str
) -> None:
    long = f"select '{'x' * 400_000}'"
    statements = [f"create table t{number} (a int)" for number in range(250)]
    last = (long, "insert into nowhere values (1)", long, long, long, "select 1", "selec 2")
    assert found(family_server, family_database, *statements, *last) == ("1064", 258, 1)
