"""What a plan leaves behind when it stops, where the server undoes DDL with its transaction."""

from dataclasses import replace

import pytest

from lockgate.planner.guarantees.guarantee import (
    COMPENSATION,
    IN_PARTS,
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

    def test_a_transaction_for_each_step_is_atomic_in_parts(self) -> None:
        plan = up_plan([self.ONE, self.TWO], setting=replace(SETTING, transaction="step"))
        assert plan.verdict == f"{IN_PARTS} (2 units, each all or nothing)"

    def test_each_place_and_each_cause_is_named(self) -> None:
        assert up_plan([self.ONE, self.ALONE]).verdict == (
            "NOT ATOMIC after 2_m2.sql:2: its section says `transaction:false`"
        )
        three = "select 1;\nselect 2;\ndo $$ begin commit; end $$;"
        more = migration(3, three, options="transaction:false")
        drop = migration(4, "drop index concurrently a;", options="transaction:false")
        assert up_plan([self.ALONE, more, drop]).verdict == (
            "NOT ATOMIC after 2_m2.sql:2, 3_m3.sql:2, 3: its section says `transaction:false`; "
            "after 3_m3.sql:4: it may commit on its way, and fail with a part of its work kept; "
            "after 4_m4.sql:2: a DROP INDEX CONCURRENTLY that fails can leave the index invalid"
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
        plan = up_plan([alone])
        assert plan.verdict == COMPENSATION
        assert plan.steps[0].statements[0].guarantee == "compensated"
        between = up_plan([alone, self.TWO, migration(3, sql, options="transaction:false")])
        assert between.verdict == f"{IN_PARTS} (3 units, each all or nothing)"

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
        assert found.startswith("NOT ATOMIC after 1_m1.sql:2: ")
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
        assert up_plan([alone]).verdict.startswith("NOT ATOMIC after 1_m1.sql:2: ")
