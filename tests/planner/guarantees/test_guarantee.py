"""What a plan leaves behind when it stops, where the server undoes DDL with its transaction."""

from dataclasses import replace

import pytest

from lockgate.planner.guarantees.guarantee import (
    COMPENSATION,
    ONE_TRANSACTION,
    WRITTEN_ALONE,
    verdict,
)
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect
from tests.planner.literals import SERVER, SETTING, migration, up_plan


@pytest.mark.parametrize(
    "sql", ["create table t (id int)", "drop table t", "insert into t select 1"]
)
def test_postgresql_undoes_every_statement_of_a_transaction(sql: str) -> None:
    (statement,) = up_plan([migration(1, f"{sql};")]).steps[0].statements
    assert (statement.guarantee, statement.reason) == ("transactional", "")


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, MARIADB], ids=lambda one: one.name)
def test_outside_of_a_transaction_each_statement_is_kept(dialect: Dialect) -> None:
    setting = replace(SETTING, server=replace(SERVER, dialect=dialect))
    rows = "insert into t values (1);\ninsert into t values (2);"
    row = migration(1, rows, options="transaction:false")
    (step,) = up_plan([row], setting=setting).steps
    for statement in (*step.statements, *(step.rollback or ())):
        assert statement.guarantee == "point-of-no-return"
        assert statement.reason == WRITTEN_ALONE


class TestVerdict:
    ONE, TWO = migration(1), migration(2)
    ALONE = migration(2, "select 1;\ncreate index concurrently a on t (id);",
                      options="transaction:false")  # fmt: skip

    def test_one_transaction_is_atomic(self) -> None:
        assert up_plan([self.ONE, self.TWO]).verdict == ONE_TRANSACTION
        assert verdict(()) == ONE_TRANSACTION

    def test_a_transaction_for_each_step_is_not(self) -> None:
        plan = up_plan([self.ONE, self.TWO], setting=replace(SETTING, transaction="step"))
        assert plan.verdict.startswith("NOT ATOMIC after step 1 statement 1: the next step is ")

    def test_a_step_outside_of_any_names_where_the_plan_is_cut(self) -> None:
        plan = up_plan([self.ONE, self.ALONE])
        assert plan.verdict.startswith("NOT ATOMIC after step 1 statement 1: the next step is ")
        assert up_plan([self.ALONE]).verdict == (
            "NOT ATOMIC after step 1 statement 1: its section says `transaction:false`"
        )

    @pytest.mark.parametrize(
        "sql",
        [
            "create index concurrently a on t (id)",
            "CREATE UNIQUE INDEX CONCURRENTLY a on t (id)",
            "create index concurrently if not exists a on /* hot */ t (id)",
        ],
    )
    def test_one_concurrent_index_alone_is_atomic_by_compensation(self, sql: str) -> None:
        alone = migration(1, f"{sql};", options="transaction:false")
        assert up_plan([alone]).verdict == COMPENSATION
        assert up_plan([alone, self.TWO]).verdict.startswith("NOT ATOMIC after step 1 statement 1")

    @pytest.mark.parametrize(
        ("sql", "why"),
        [
            ("drop index concurrently a", "can leave the index invalid"),
            ("drop index /* a */ concurrently if exists a", "can leave the index invalid"),
            ("create index concurrently on t (id)", "has no name"),
            ("reindex (concurrently) table t", "leaves invalid indexes"),
        ],
    )
    def test_a_concurrent_index_that_may_be_left_half_done_is_not(self, sql: str, why: str) -> None:
        alone = migration(1, f"{sql};", options="transaction:false")
        found = up_plan([alone]).verdict
        assert found.startswith("NOT ATOMIC after step 1 statement 1")
        assert why in found

    @pytest.mark.parametrize(
        "sql", ["create table one (id int)", "alter type mood add value 'b'", "do $$ begin end $$"]
    )
    def test_one_statement_that_is_one_transaction_is_atomic(self, sql: str) -> None:
        alone = migration(1, f"{sql};", options="transaction:false")
        plan = up_plan([alone])
        assert plan.verdict == ONE_TRANSACTION
        assert plan.steps[0].statements[0].guarantee == "transactional"
        two = migration(1, f"{sql};\n{sql};", options="transaction:false")
        assert up_plan([two]).verdict.startswith("NOT ATOMIC")

    def test_nothing_else_is_when_it_commits_by_itself(self) -> None:
        alone = migration(1, "vacuum t;", options="transaction:false")
        assert up_plan([alone]).verdict.startswith("NOT ATOMIC after step 1 statement 1")
