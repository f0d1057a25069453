"""`plan --rehearse` and `drift: check`: what goes into the plan, and what `apply` then refuses."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.servers.process import wait_until

HERE = "rehearsal:\n  url_env: TEST_URL\n"
CHECKED = "drift: check\n"


def run(server: Any, sql: str, database: str) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def scratch_databases(server: Any) -> list[str]:
    ask = "select schema_name from information_schema.schemata"
    if server.engine == "postgresql":
        ask = "select datname from pg_database"
    system = "postgres" if server.engine == "postgresql" else "mysql"
    with server.connect(system) as connection, connection.cursor() as cursor:
        cursor.execute(ask)
        return [name for (name,) in cursor.fetchall() if name.startswith("lockgate_rehearsal")]


def plan_of(project: Project) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((project.folder / "plan.json").read_text())
    return plan


@pytest.fixture
def begun(any_project: Project) -> Project:
    """A project with a table that is applied, rehearsed on its own server."""
    any_project.configure(HERE)
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    return any_project


def test_the_evidence_stands_in_the_plan_that_is_applied(begun: Project, any_server: Any) -> None:
    begun.write_tables(1, first=2)
    shown = succeed(begun.migrate("plan", "--rehearse"))
    assert "The way back restores what was there" in shown.out
    seen = plan_of(begun)["rehearsal"]
    assert (seen["restored"], seen["repeatable"], seen["differences"]) == (True, True, [])
    assert any(name.endswith("t2") for name in seen["expected"])
    assert scratch_databases(any_server) == []
    assert succeed(begun.migrate("apply", "plan.json")).out == "Applied 002 t2.\n"
    assert succeed(begun.migrate("drift", "--expect", "plan.json")).out.startswith("No drift")


def test_a_way_back_that_forgets_an_index_is_a_warning_that_names_it(begun: Project) -> None:
    begun.write("002_i.sql", "create index by_id on t1 (id);", "select 1;")
    shown = succeed(begun.migrate("plan", "--rehearse"))
    assert "The way back does not restore what was there: " in shown.out
    assert "by_id" in shown.out
    (_, restored) = plan_of(begun)["warnings"]
    assert "t1 (changed)" in restored


def test_a_rollback_is_rehearsed_there_and_back(begun: Project) -> None:
    succeed(begun.migrate("plan", "--down", "1", "--rehearse"))
    assert plan_of(begun)["rehearsal"]["restored"] is True


def test_a_plan_that_fails_on_the_scratch_database_is_not_written(
    begun: Project, any_server: Any
) -> None:
    begun.write("002_x.sql", "create table t2 (id int);\ninsert into nowhere values (1);")
    refused(begun.migrate("plan", "--rehearse"), 9, "The rehearsal of the plan failed", "nowhere")
    assert not (begun.folder / "plan.json").exists()
    assert scratch_databases(any_server) == []


def test_the_live_schema_that_no_migration_makes_is_a_warning(
    begun: Project, any_server: Any
) -> None:
    run(any_server, "alter table t1 add column late int", begun.database)
    begun.write_tables(1, first=2)
    shown = succeed(begun.migrate("plan", "--rehearse"))
    assert "The live schema is not what its migrations make" in shown.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_scratch_database(begun: Project, any_server: Any, number: int) -> None:
    nap = "select pg_sleep(30)" if begun.engine == "postgresql" else "do sleep(30)"
    begun.write("002_nap.sql", f"create table t2 (id int);\n{nap};", "drop table t2;")
    process = begun.start("plan", "--rehearse")
    wait_until(lambda: napping(any_server), "the migration begins")
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert scratch_databases(any_server) == []


@pytest.mark.parametrize("place", ["up", "down"])
def test_a_signal_between_two_kept_statements_ends_the_rehearsal(
    project: Project, postgres_server: Any, place: str
) -> None:
    project.configure(HERE)
    nap = {"up": "select 1;", "down": "select 1;"} | {place: "select pg_sleep(30);"}
    up, down = f"create table t2 (id int);\n{nap['up']}", f"drop table t2;\n{nap['down']}"
    project.write("001_nap.sql", up, down, flags=" transaction:false")
    process = project.start("plan", "--rehearse", "--allow-non-atomic")
    wait_until(lambda: napping(postgres_server), "the migration begins")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert not (project.folder / "plan.json").exists()
    assert scratch_databases(postgres_server) == []


def napping(server: Any) -> bool:
    ask = "select count(*) from information_schema.processlist where info like 'do sleep(%'"
    if server.engine == "postgresql":
        ask = "select count(*) from pg_stat_activity where query = 'select pg_sleep(30)'"
    system = "postgres" if server.engine == "postgresql" else "mysql"
    with server.connect(system) as connection, connection.cursor() as cursor:
        cursor.execute(ask)
        return bool(cursor.fetchone()[0])


def test_a_statement_that_would_leave_the_scratch_database_is_refused(begun: Project) -> None:
    begun.write("002_x.sql", "create table t2 (id int);", "drop table t2;")
    name = "create role elsewhere" if begun.engine == "postgresql" else "create user elsewhere"
    begun.write("003_x.sql", f"{name};")
    refused(begun.migrate("plan", "--rehearse"), 64, "cannot be rehearsed", name)


def test_mysql_must_not_name_a_database(mysql_project: Project) -> None:
    mysql_project.configure(HERE)
    mysql_project.write("001_x.sql", f"create table {mysql_project.database}.t (id int);")
    refused(mysql_project.migrate("plan", "--rehearse"), 64, mysql_project.database)


def test_mysql_has_no_embedded_server_to_rehearse_on(mysql_project: Project) -> None:
    mysql_project.write_tables(1)
    refused(mysql_project.migrate("plan", "--rehearse"), 64, "no embedded server", "url_env")


def test_postgresql_is_rehearsed_on_a_server_of_its_own(
    project: Project, postgres_server: Any
) -> None:
    project.write("001_role.sql", "create role rehearsed_only;", "drop role rehearsed_only;")
    shown = succeed(project.migrate("plan", "--rehearse"))
    assert "The way back restores what was there" in shown.out
    with postgres_server.connect("postgres") as connection:
        ask = "select count(*) from pg_roles where rolname = 'rehearsed_only'"
        assert connection.execute(ask).fetchone() == (0,)


@pytest.mark.parametrize("options", [["--baseline", "1"], ["--down", "1", "--from-database"]])
def test_what_runs_no_file_is_not_rehearsed(project: Project, options: list[str]) -> None:
    project.write_tables(1)
    if "--down" in options:
        succeed(project.migrate("up"))
    refused(project.migrate("plan", "--rehearse", *options), 64, "cannot be rehearsed")


def test_a_plan_with_nothing_to_do_is_not_rehearsed(begun: Project) -> None:
    assert "Nothing to do" in succeed(begun.migrate("plan", "--rehearse")).out
    assert plan_of(begun)["rehearsal"] is None


def test_a_schema_that_changed_after_the_plan_is_refused(begun: Project, any_server: Any) -> None:
    begun.configure(CHECKED)
    begun.write_tables(1, first=2)
    succeed(begun.migrate("plan"))
    run(any_server, "alter table t1 add column late int", begun.database)
    refused(begun.migrate("apply", "plan.json"), 4, "The schema has changed", "t1 (changed)")
    run(any_server, "alter table t1 drop column late", begun.database)
    succeed(begun.migrate("apply", "plan.json"))
    succeed(begun.migrate("apply", "plan.json"))
    succeed(begun.migrate("down"))


def test_without_the_key_a_changed_schema_is_taken(begun: Project, any_server: Any) -> None:
    begun.write_tables(1, first=2)
    succeed(begun.migrate("plan"))
    assert plan_of(begun)["fingerprint"] is None
    run(any_server, "alter table t1 add column late int", begun.database)
    succeed(begun.migrate("apply", "plan.json"))


def test_a_plan_without_a_fingerprint_is_denied_where_one_is_wanted(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    project.configure(CHECKED)
    refused(project.migrate("apply", "plan.json"), 3, "which schema it was made for")


def test_a_first_plan_on_an_empty_database_is_checked_too(project: Project) -> None:
    project.configure(CHECKED)
    project.write_tables(1)
    succeed(project.migrate("plan"))
    assert Path(project.folder / "plan.json").exists()
    succeed(project.migrate("apply", "plan.json"))
