"""Statements of which MySQL or MariaDB may keep a part though they are refused."""

from typing import Any

import pytest

from lockgate.planner.errors import (
    StatementFailed,
    Unresolved,
)
from tests.executors.building import (
    OUTSIDE,
    UP,
    apply_plan,
    apply_up,
    open_test_engine,
    plan_for,
)
from tests.executors.rows import ask, execute


@pytest.mark.parametrize("marker", [UP, OUTSIDE])
def test_rows_of_a_table_without_transactions_are_in_doubt(
    family_server: Any, family_database: str, marker: str
) -> None:
    execute(family_server, family_database, "create table t (id int primary key) engine = MyISAM")
    with open_test_engine(family_server, family_database) as engine:
        rows = f"{marker}\ninsert into t values (1), (1);"
        plan = plan_for(engine, {"001_rows": rows})
        with pytest.raises(Unresolved, match="may have done part"):
            apply_plan(engine, plan)
        assert ask(family_server, family_database, "select * from t") == [(1,)]
        with pytest.raises(Unresolved, match="statement 1 was begun"):
            apply_plan(engine, plan)


HALVES = {
    "tables": ("create table a (id int)", "drop table a, missing"),
    "replacement": ("create table a (id int)", "create or replace table a (id int, id int)"),
    "views": ("create view a as select 1 as one", "drop view a, missing"),
}
"""What MariaDB does by halves when it refuses it: the setup, and the statement."""


@pytest.mark.parametrize("half", HALVES)
def test_what_mariadb_does_by_halves_is_in_doubt(
    mariadb_server: Any, mariadb_url: str, half: str
) -> None:
    setup, sql = HALVES[half]
    database = mariadb_url.rpartition("/")[2]
    execute(mariadb_server, database, setup)
    with open_test_engine(mariadb_server, database) as engine:
        plan = plan_for(engine, {"001_half": f"{OUTSIDE}\n{sql}"})
        with pytest.raises((Unresolved, StatementFailed)) as raised:
            apply_plan(engine, plan)
        left = ask(mariadb_server, database, "show tables like 'a'")
        if not left:  # it has done a part, and must not be taken for undone
            assert isinstance(raised.value, Unresolved)
            assert "Statement 1 itself may have done part of its work" in str(raised.value)


@pytest.mark.parametrize("half", ["tables", "views"])
def test_what_mariadb_drops_by_halves_is_undone(
    mariadb_server: Any, mariadb_url: str, half: str
) -> None:
    setup, sql = HALVES[half]
    database = mariadb_url.rpartition("/")[2]
    execute(mariadb_server, database, setup)
    with open_test_engine(mariadb_server, database) as engine:
        with pytest.raises(StatementFailed, match="missing"):
            apply_up(engine, {"001_half": sql})
        assert ask(mariadb_server, database, "show tables like 'a'") == [("a",)]
        assert engine.store.read_ledger().unresolved == ()


def test_a_table_that_mariadb_has_not_replaced_is_never_taken_for_replaced(
    mariadb_server: Any, mariadb_url: str
) -> None:
    setup, sql = HALVES["replacement"]
    database = mariadb_url.rpartition("/")[2]
    execute(mariadb_server, database, setup)
    with open_test_engine(mariadb_server, database) as engine:
        plan = plan_for(engine, {"001_half": sql})
        with pytest.raises(Unresolved, match="Statement 1 itself may have done part"):
            apply_plan(engine, plan)
        with pytest.raises(Unresolved, match="statement 1 was begun"):
            apply_plan(engine, plan)
        assert engine.store.read_ledger().entries == ()


def test_mysql_drops_all_of_a_list_or_nothing(mysql_server: Any, mysql_url: str) -> None:
    database = mysql_url.rpartition("/")[2]
    execute(mysql_server, database, "create table a (id int)")
    with open_test_engine(mysql_server, database) as engine:
        with pytest.raises(StatementFailed, match="1051"):
            apply_up(engine, {"001_drop": "drop table a, missing"})
        assert ask(mysql_server, database, "select * from a") == []


@pytest.mark.parametrize("marker", [UP, OUTSIDE])
def test_a_procedure_that_fails_after_its_commit_is_in_doubt(
    family_server: Any, family_database: str, marker: str
) -> None:
    execute(
        family_server,
        family_database,
        "create table t (id int)",
        "create procedure p() begin insert into t values (1); commit; "
        "insert into gone select 1; end",
    )
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, {"001_call": f"{marker}\ncall p()"})
        with pytest.raises(Unresolved, match="Statement 1 itself may have done part"):
            apply_plan(engine, plan)
        with pytest.raises(Unresolved, match="statement 1 was begun"):
            apply_plan(engine, plan)
    assert ask(family_server, family_database, "select * from t") == [(1,)]
