"""What MySQL and MariaDB would not take back is not promised, and what is promised they do.

The verdicts are those of plans on real servers; planner/test_compensation.py has all the others.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.planner.errors import StatementFailed
from lockgate.planner.guarantees.guarantee import COMPENSATION
from tests.executors.building import apply_plan, plan_for
from tests.executors.mysql.undo.cases import REFUSED
from tests.executors.mysql.undo.copying import LIMIT, copying_engine, open_copying_engine
from tests.executors.rows import ask, execute

TABLES = (
    "create table wall (id int primary key)",
    "create table gone (i int)",
    "create view seen as select i from gone",
    "create table checked (id int primary key, a int check (a > 0), b int)",
)
VERSIONED = (
    "create table versioned (id int primary key, a int) with system versioning",
    "insert into versioned values (1, 1), (2, 2)",
    "update versioned set a = 9 where id = 2",
)
HISTORY = "select *, row_start, row_end from versioned for system_time all"


engine = copying_engine(*TABLES)


@pytest.fixture
def mariadb(mariadb_server: Any) -> Iterator[Any]:
    """The same on MariaDB, with a system-versioned table beside them."""
    name = mariadb_server.new_database()
    execute(mariadb_server, name, *TABLES, *VERSIONED)
    with open_copying_engine(mariadb_server, name) as opened:
        yield opened
    mariadb_server.drop_database(name)


def plan_of(engine: Any, *statements: str) -> Any:
    """The plan of these statements and of one that the server refuses."""
    return plan_for(engine, {"001_case": ";\n".join((*statements, REFUSED))}, copy_limit=LIMIT)


def assert_undone(engine: Any, *statements: str) -> None:
    """Runs a plan that calls itself atomic: what it has done is undone."""
    before = read_catalogue(engine.session).objects
    plan = plan_of(engine, *statements)
    assert plan.verdict == COMPENSATION
    with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
        apply_plan(engine, plan)
    assert read_catalogue(engine.session).objects == before
    assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"


@pytest.mark.parametrize("sql", ["drop view seen", "create or replace view seen as select 1"])
def test_a_view_that_is_broken_already_is_not_promised_back(
    family_server: Any, engine: Any, sql: str
) -> None:
    execute(family_server, engine.server.database, "drop table gone")
    plan = plan_of(engine, sql)
    assert plan.verdict.startswith("NOT ATOMIC")
    assert "the view seen is broken" in plan.verdict


def test_a_view_that_the_plan_itself_breaks_is_made_again(engine: Any) -> None:
    assert_undone(engine, "drop table gone", "drop view seen")


def test_a_versioned_table_keeps_its_history_when_its_name_is_undone(
    mariadb_server: Any, mariadb: Any
) -> None:
    before = ask(mariadb_server, mariadb.server.database, HISTORY)
    assert_undone(
        mariadb,
        "create trigger tv before insert on versioned for each row set new.a = 1",
        "rename table versioned to renamed",
        "create table versioned (a int) with system versioning",
        "insert into versioned values (1)",
        "create table made (a int)",
    )
    assert ask(mariadb_server, mariadb.server.database, HISTORY) == before


@pytest.mark.parametrize(
    "sql",
    [
        "delete from versioned where id = 1",
        "alter table versioned comment 'x'",
        "set @@system_versioning_alter_history = keep;\nalter table versioned add column c int",
        "drop table versioned",
        "set check_constraint_checks = 0;\nupdate checked set a = -5",
        "set statement check_constraint_checks = 0 for update checked set a = -5",
        "set statement sql_mode = '' for alter table checked modify b int not null",
    ],
)
def test_what_mariadb_would_not_take_back_is_not_promised(mariadb: Any, sql: str) -> None:
    assert plan_of(mariadb, sql, "create table made (a int)").verdict.startswith("NOT ATOMIC")


@pytest.mark.parametrize("sql", ["set sql_select_limit = 1", "set sql_quote_show_create = 0"])
def test_settings_that_undoing_cannot_go_with_are_not_promised(engine: Any, sql: str) -> None:
    assert plan_of(engine, sql, "drop table checked").verdict.startswith("NOT ATOMIC")
