"""The first plan for a database that has tables, and no history of lockgate's."""

import json
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed

DBMATE = "create table schema_migrations (version varchar(128) primary key)"
FLYWAY = """create table flyway_schema_history (
    installed_rank int primary key, version varchar(50), description varchar(200) not null,
    type varchar(20) not null, script varchar(1000) not null, checksum int,
    installed_by varchar(100) not null, installed_on timestamp not null,
    execution_time int not null, success boolean not null)"""


def run(server: Any, database: str, sql: str) -> list[Any]:
    """The rows of a statement."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def managed(any_project: Project, any_server: Any) -> Project:
    """A database that dbmate has migrated, with one migration pending for it."""
    any_project.write("20240101_shops.sql", "create table shops (id int);", "drop table shops;")
    any_project.write("20240201_more.sql", "alter table shops add column a int;")
    for sql in (
        DBMATE,
        "insert into schema_migrations values ('20240101')",
        "create table shops (id int)",
    ):
        run(any_server, any_project.database, sql)
    return any_project


@pytest.mark.parametrize("command", ["plan", "up", "down", "status"])
def test_tables_that_nobody_has_spoken_of_stop_us(managed: Project, command: str) -> None:
    found = refused(
        managed.migrate(command), 10,
        "The database has 2 tables", "schema_migrations, shops",
        "schema_migrations is the history of dbmate, with 1 applied: 20240101",
        "migrate adopt -e test", "--fresh",
    )  # fmt: skip
    assert "--baseline" not in found.all


def test_a_tool_of_code_is_taken_over_by_a_baseline(any_project: Project, any_server: Any) -> None:
    for sql in (
        "create table alembic_version (version_num varchar(32) primary key)",
        "insert into alembic_version values ('ae10')",
        "create table shops (id int)",
    ):
        run(any_server, any_project.database, sql)
    code = any_project.migrations / "ae10_shops.py"
    code.write_text("revision = 'ae10'\ndown_revision = None\n")
    told = "migrations of Alembic, in Python", "migrate adopt --baseline 001"
    for command in ("validate", "status", "plan", "up", "adopt"):
        refused(any_project.migrate(command), 64, *told)
    way_in = "migrate adopt -e test --baseline VERSION -o adopt.json"
    any_project.write("001_schema.sql", "create table shops (id int);")
    for command in ("plan", "status"):
        found = refused(any_project.migrate(command), 10, "the code of Alembic made them", way_in)
        assert "migrate adopt -e test -o" not in found.all
    refused(any_project.migrate("plan", "--baseline", "001"), 10, way_in)
    refused(any_project.migrate("adopt"), 10, "Its migrations are code", "--baseline VERSION")
    succeed(any_project.migrate("adopt", "--baseline", "001", "--no-verify"))
    succeed(any_project.migrate("apply", "adopt.json"))
    run(any_server, any_project.database, "update alembic_version set version_num = 'b2'")
    refused(
        any_project.migrate("up"),
        10,
        "Alembic has gone from ae10 to b2",
        "adopt --baseline VERSION",
    )
    any_project.write("002_b2.sql", "create table b2 (id int);")
    succeed(any_project.migrate("adopt", "--baseline", "002", "--no-verify"))
    succeed(any_project.migrate("apply", "adopt.json"))
    assert "2 applied" in succeed(any_project.migrate("status")).all


def test_the_tables_are_not_of_these_migrations(managed: Project, any_server: Any) -> None:
    managed.write("20240101_shops.sql", "create table stores (id int);")
    managed.write("20240201_more.sql", "alter table stores add column a int;")
    shown = succeed(managed.migrate("plan", "--fresh", "-o", "plan.json"))
    assert "said not to be of these migrations (--fresh)" in shown.all
    plan = json.loads((managed.folder / "plan.json").read_text())
    assert plan["fresh"] is True
    succeed(managed.migrate("apply", "plan.json"))
    assert ".lockgate_migrations" in plan["target"]["history_table"]
    assert run(any_server, managed.database, "select version from schema_migrations")
    managed.write("20240301_third.sql", "create table third (id int);")
    succeed(managed.migrate("up"))
    refused(managed.migrate("plan", "--to", "1"), 64, "No migration has version 1")


def test_a_baseline_is_a_decision_too(managed: Project) -> None:
    succeed(managed.migrate("plan", "--baseline", "20240101", "-o", "plan.json"))
    succeed(managed.migrate("apply", "plan.json"))
    assert "1 applied, 1 pending" in succeed(managed.migrate("status")).all
    succeed(managed.migrate("up"))


def test_a_baseline_records_no_more_than_the_other_history_has(
    managed: Project, any_server: Any
) -> None:
    told = "schema_migrations is the history of dbmate", "other versions than that", "migrate adopt"
    refused(managed.migrate("plan", "--baseline", "20240201"), 10, *told)
    managed.write("20240301_last.sql", "update shops set id = id * 2;")
    run(any_server, managed.database, "insert into schema_migrations values ('20240301')")
    refused(managed.migrate("plan", "--baseline", "20240301"), 10, *told)  # 20240201 is not there


def test_a_table_that_came_after_the_plan_stops_it(any_project: Project, any_server: Any) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("plan", "-o", "plan.json"))
    run(any_server, any_project.database, FLYWAY)
    refused(
        any_project.migrate("apply", "plan.json"), 10, "flyway_schema_history is the history of Fly"
    )


def test_a_state_file_says_it_too(managed: Project) -> None:
    succeed(managed.migrate("state", "pull", "-o", "state.json"))
    refused(managed.migrate("plan", "--state", "state.json"), 10, "is the history of dbmate")


def test_what_extensions_own_is_no_table_of_others(project: Project, postgres_server: Any) -> None:
    run(postgres_server, project.database, "create extension pg_stat_statements")
    project.write_tables(1)
    succeed(project.migrate("up"))


def test_a_history_named_as_ours_that_is_not_is_refused(managed: Project) -> None:
    managed.configure("history: {table: schema_migrations}")
    refused(managed.migrate("up"), 10, "The table schema_migrations has the columns version")
