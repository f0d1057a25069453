"""Statements that change a table which is not there: the server refuses them, nothing is lost."""

from dataclasses import replace

import pytest

from lockgate.planner.database.facts import KnownNames
from lockgate.planner.sql.dialect import MYSQL
from tests.planner.guarantees.test_units import FACTS, guarantees, plan, reasons
from tests.planner.literals import SERVER, SETTING, migration, up_plan

NAMES = frozenset({("table", "shop", "users"), ("table", "shop", "v")})
KNOWN = replace(FACTS, names=KnownNames(NAMES, ("shop",), frozenset({"shop"}), folded=True))
LATER = "; create table y (a int)"


@pytest.mark.parametrize(
    "sql",
    [
        "alter table gone drop column a",
        "alter table Gone modify a smallint",
        "truncate gone",
        "update gone set a = 1",
        "delete from gone",
        "insert into gone values (1)",
    ],
)
def test_a_table_that_is_not_there_is_told_and_makes_nothing_final(sql: str) -> None:
    found = plan(sql + LATER, facts=KNOWN)
    assert guarantees(found) == ["compensated", "compensated"]
    assert "so the server refuses it" in reasons(found)[0]
    assert [one.lower() for one in found.warnings] == [
        "there is no table gone: the plan will fail."
    ]
    assert found.verdict.startswith("ATOMIC BY COMPENSATION")


def test_it_is_missing_however_often_it_is_changed() -> None:
    twice = "alter table gone drop column a; alter table gone drop column b"
    assert guarantees(plan(twice, facts=KNOWN)) == ["compensated", "compensated"]


@pytest.mark.parametrize(
    "sql",
    [
        "create table if not exists gone (a int); alter table gone modify a smallint",
        "create table x (a int); rename table x to gone; alter table gone drop column a",
        "call fill(); alter table gone drop column a; select 1",
        "alter table users drop column name; select 1",
    ],
)
def test_what_may_be_there_is_judged_as_it_is(sql: str) -> None:
    assert not [told for told in plan(sql, facts=KNOWN).warnings if "will fail" in told]


def test_of_a_way_back_no_table_is_known_to_be_missing() -> None:
    back = "alter table gone drop column b; create table z (a int);"
    made = migration(1, "create table gone (a int, b int);", back)
    server = replace(SERVER, dialect=MYSQL)
    found = up_plan([made], setting=replace(SETTING, server=server, facts=KNOWN))
    first, *_ = found.steps[0].rollback or ()
    assert first.guarantee == "point-of-no-return"


def test_a_new_table_does_not_stand_for_those_whose_names_begin_alike() -> None:
    like = "create table a_name_of_many_letters_more (a int);"
    found = plan(f"{like} alter table a_name_of_many_letters drop column a", facts=KNOWN)
    assert guarantees(found) == ["compensated", "compensated"]
