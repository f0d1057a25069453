"""What stays in the database when a plan stops at a statement."""

from dataclasses import replace

import pytest

from planner.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect
from planner.guarantee import ONE_TRANSACTION, guarantee, verdict
from planner.statements import split_statements
from tests.planner.building import SERVER, SETTING, migration, up_plan


def of(sql: str, dialect: Dialect, *, transactional: bool = True) -> str:
    (statement,) = split_statements(sql, dialect)
    return guarantee(statement, dialect, transactional)


@pytest.mark.parametrize(
    "sql", ["create table t (id int)", "drop table t", "insert into t select 1"]
)
def test_postgresql_undoes_every_statement_of_a_transaction(sql: str) -> None:
    assert of(sql, POSTGRESQL) == "transactional"


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, MARIADB], ids=lambda one: one.name)
def test_outside_of_a_transaction_each_statement_is_kept(dialect: Dialect) -> None:
    assert of("insert into t values (1)", dialect, transactional=False) == "point-of-no-return"


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT into t values (1)", "transactional"),
        ("update t set a = 1", "transactional"),
        ("with a as (select 1) select * from a", "transactional"),
        ("set @a = 1", "transactional"),
        ("set session sql_mode = ''", "transactional"),
        ("set @a = @@global.max_connections", "transactional"),
        ("set global max_connections = 9", "point-of-no-return"),
        ("set @a = 1, @@global.max_connections = 9", "point-of-no-return"),
        ("set password = 'x'", "point-of-no-return"),
        ("create table t (id int)", "point-of-no-return"),
        ("alter table t add a int", "point-of-no-return"),
        ("truncate t", "point-of-no-return"),
        ("analyze table t", "point-of-no-return"),
        ("(select 1)", "point-of-no-return"),
    ],
)
def test_mysql_undoes_what_is_known_to_be_undone(sql: str, expected: str, dialect: Dialect) -> None:
    assert of(sql, dialect) == expected


class TestVerdict:
    ONE, TWO = migration(1), migration(2)
    ALONE = migration(2, "select 1;\ncreate index concurrently a on t (id);",
                      options="transaction:false")  # fmt: skip

    def test_one_transaction_is_atomic(self) -> None:
        assert up_plan([self.ONE, self.TWO]).verdict == ONE_TRANSACTION
        assert verdict(()) == ONE_TRANSACTION

    def test_steps_that_commit_one_by_one_are_not(self) -> None:
        server = replace(SERVER, dialect=MYSQL)
        rows = [migration(each, f"insert into t values ({each});") for each in (1, 2)]
        plan = up_plan(rows, setting=replace(SETTING, server=server))
        assert plan.verdict.startswith("NOT ATOMIC after step 1: ")

    def test_a_transaction_for_each_step_is_not(self) -> None:
        plan = up_plan([self.ONE, self.TWO], setting=replace(SETTING, transaction="step"))
        assert plan.verdict.startswith("NOT ATOMIC after step 1: ")

    def test_a_step_outside_of_any_names_where_the_plan_is_cut(self) -> None:
        assert up_plan([self.ONE, self.ALONE]).verdict.startswith("NOT ATOMIC after step 1: ")
        assert up_plan([self.ALONE]).verdict == (
            "NOT ATOMIC after step 1 statement 1: SELECT is kept at once and cannot be rolled back"
        )

    def test_mysql_names_the_first_statement_that_is_kept(self) -> None:
        setting = replace(SETTING, server=replace(SERVER, dialect=MYSQL))
        plan = up_plan([migration(1, "insert into a values (1);\nCreate table b (id int);")],
                       setting=setting)  # fmt: skip
        assert plan.verdict.startswith("NOT ATOMIC after step 1 statement 2: CREATE is kept")
