"""Plans that add a value to an enum and use it: cut between the two."""

from dataclasses import replace

from lockgate.planner.migrations.migration import Migration
from tests.planner.literals import SETTING, migration, up_plan

TYPE = migration(1, "create type mood as enum ('a');")
ADD = migration(2, "alter type mood add value 'b';")
NEXT = migration(3, "create table t (m mood);")
USE = migration(4, "select 1;\ninsert into t values ('b');")
LAST = migration(5, "insert into t values ('b');")


def transactions(*files: Migration) -> list[int | None]:
    return [step.transaction for step in up_plan(list(files)).steps]


def test_the_plan_is_cut_before_the_step_that_uses_it_and_says_so() -> None:
    plan = up_plan([ADD, NEXT, USE, LAST])
    assert [step.transaction for step in plan.steps] == [1, 1, 2, 2]
    assert plan.verdict == (
        "ATOMIC IN PARTS (2 units, each all or nothing): 4_m4.sql:3 may use the enum value 'b', "
        "which must be committed before"
    )


def test_a_plan_that_makes_the_type_is_one_transaction() -> None:
    assert transactions(TYPE, ADD, NEXT, USE) == [1, 1, 1, 1]


def test_where_the_steps_are_kept_apart_anyway_nothing_more_is_cut() -> None:
    alone = migration(3, "select 'b';", options="transaction:false")
    assert transactions(ADD, alone, USE) == [1, None, 2]
    plan = up_plan([ADD, USE], setting=replace(SETTING, transaction="step"))
    assert [step.transaction for step in plan.steps] == [1, 2]
    assert plan.verdict == "ATOMIC IN PARTS (2 units, each all or nothing)"


def test_each_transaction_has_new_values_of_its_own() -> None:
    more = migration(5, "insert into t values ('b');\nalter type mood add value 'c';")
    assert transactions(ADD, USE, more, migration(6, "select 'c'::mood;")) == [1, 2, 2, 3]
