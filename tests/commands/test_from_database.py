"""`--from-database`: a rollback when the files are gone, changed, or older than the database."""

import json
import shutil
from typing import Any

import pytest

from tests.commands.blocking import table_names
from tests.commands.running import OWN_TABLES, Project, refused, succeed


@pytest.fixture
def applied(any_project: Project) -> Project:
    """A project with three migrations, all of them applied by one plan."""
    any_project.write_tables(3)
    succeed(any_project.migrate("up"))
    return any_project


def change_plans(server: Any, project: Project, old: str, new: str) -> None:
    """Writes to lockgate_runs as nobody should."""
    with server.connect(project.database) as connection:
        connection.cursor().execute(
            "update lockgate_runs set plan = replace(plan, %s, %s)", (old, new)
        )


def roll_back(project: Project, *options: str) -> dict[str, Any]:
    """Plans from the database and applies; the plan."""
    planned = succeed(project.migrate("plan", *options, "--from-database", "-o", "back.json"))
    assert "comes from the database" in planned.out
    succeed(project.migrate("apply", "back.json"))
    plan: dict[str, Any] = json.loads((project.folder / "back.json").read_text())
    return plan


def test_a_file_that_is_gone_is_not_needed(applied: Project, any_server: Any) -> None:
    (applied.migrations / "003_t3.sql").unlink()
    refused(applied.migrate("plan", "--down", "1"), 10, "missing  003", "add `--from-database`")
    plan = roll_back(applied, "--down", "1")
    assert [(step["direction"], step["version"]) for step in plan["steps"]] == [("down", "003")]
    assert plan["steps"][0]["findings"][0]["code"] == "from-database"
    assert (plan["source"]["commit"], plan["source"]["dirty"]) == (None, None)
    assert table_names(any_server, applied.database) == [*OWN_TABLES, "t1", "t2"]
    assert succeed(applied.migrate("status")).out.endswith("\n2 applied\n")


def test_a_file_that_was_changed_is_not_read(applied: Project, any_server: Any) -> None:
    applied.write("003_t3.sql", "create table t3 (id int);", "drop table t1;")
    refused(applied.migrate("down"), 10, "changed  003_t3.sql")
    assert "Rolled back 003 t3" in succeed(applied.migrate("down", "--from-database")).out
    assert table_names(any_server, applied.database) == [*OWN_TABLES, "t1", "t2"]


def test_a_checkout_may_be_older_than_the_database(applied: Project, any_server: Any) -> None:
    for name in ("002_t2.sql", "003_t3.sql"):
        (applied.migrations / name).unlink()
    refused(applied.migrate("down", "--to", "1"), 10, "missing  002", "missing  003")
    roll_back(applied, "--down-to", "1")
    assert table_names(any_server, applied.database) == [*OWN_TABLES, "t1"]
    assert succeed(applied.migrate("status")).out.endswith("\n1 applied\n")


def test_there_need_be_no_folder(applied: Project, any_server: Any) -> None:
    shutil.rmtree(applied.migrations)
    shown = succeed(applied.migrate("down", "--to", "0", "--from-database", "--dry-run")).out
    assert shown.index("drop table t3") < shown.index("drop table t1")
    result = succeed(applied.migrate("down", "--to", "0", "--from-database"))
    assert "comes from the database" in result.err
    assert table_names(any_server, applied.database) == OWN_TABLES


def test_an_altered_plan_is_not_run(applied: Project, any_server: Any) -> None:
    change_plans(any_server, applied, "drop table t3", "drop table t1")
    run = succeed(applied.migrate("history", "--json")).document["runs"][0]["id"]
    words = (f"The plan of run {run} was altered", "lockgate_runs", "without `--from-database`")
    refused(applied.migrate("plan", "--down", "1", "--from-database"), 8, *words)
    refused(applied.migrate("down", "--from-database"), 8, *words)
    assert not (applied.folder / "plan.json").exists()
    succeed(applied.migrate("down"))
    assert table_names(any_server, applied.database) == [*OWN_TABLES, "t1", "t2"]


def test_the_sql_of_the_newest_run_that_was_kept_counts(
    any_project: Project, any_server: Any
) -> None:
    file = any_project.migrations / "001_named.sql"
    file.write_text(
        "-- migrate:template jinja\n-- migrate:up\ncreate table {{ name }} (id int);\n"
        "-- migrate:down\ndrop table {{ name }};\n"
    )
    any_project.configure("variables: {name: first}\n")
    succeed(any_project.migrate("up"))
    succeed(any_project.migrate("down", "--from-database"))
    any_project.configure("variables: {name: nowhere.first}\n")  # the run fails
    refused(any_project.migrate("up"), 9, "001_named.sql:3")
    any_project.configure("variables: {name: last}\n")
    succeed(any_project.migrate("up"))
    any_project.configure("variables: {name: never}\n")
    assert (
        "drop table last"
        in roll_back(any_project, "--down", "1")["steps"][0]["statements"][0]["sql"]
    )
    assert table_names(any_server, any_project.database) == OWN_TABLES


def test_a_run_that_was_stopped_counts_for_what_it_kept(
    any_project: Project, any_server: Any
) -> None:
    any_project.write(
        "001_a.sql", "create table a (id int);", "drop table a;", flags=" transaction:false"
    )
    any_project.write("002_b.sql", "insert into missing values (1);", "drop table b;")
    refused(any_project.migrate("up", "--allow-non-atomic"), 7, "001")
    shutil.rmtree(any_project.migrations)
    roll_back(any_project, "--down", "1", "--allow-non-atomic")
    assert table_names(any_server, any_project.database) == OWN_TABLES


def test_a_baseline_has_a_way_back_too(any_project: Project, any_server: Any) -> None:
    any_project.write_tables(1)
    with any_server.connect(any_project.database) as connection:
        connection.cursor().execute("create table t1 (id int)")
    succeed(any_project.migrate("plan", "--baseline", "1"))
    succeed(any_project.migrate("apply", "plan.json"))
    shutil.rmtree(any_project.migrations)
    roll_back(any_project, "--down", "1")
    assert table_names(any_server, any_project.database) == OWN_TABLES


def test_what_no_run_has_applied_needs_its_file(applied: Project, any_server: Any) -> None:
    with any_server.connect(applied.database) as connection:
        connection.cursor().execute("delete from lockgate_runs")
    result = applied.migrate("down", "--from-database")
    refused(result, 10, "003 t3 cannot be rolled back from the database", "without")
    succeed(applied.migrate("down"))


def test_a_migration_without_a_down_section_has_no_way_back(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int);")
    succeed(any_project.migrate("up"))
    shutil.rmtree(any_project.migrations)
    refused(any_project.migrate("down", "--from-database"), 10, "001 has no way back")


def test_what_stays_may_not_require_what_goes(any_project: Project) -> None:
    any_project.write_tables(1, first=2)
    text = "-- migrate:requires 2\n-- migrate:up\ncreate table t1 (id int);\n"
    (any_project.migrations / "001_t1.sql").write_text(text)
    succeed(any_project.migrate("up"))
    shutil.rmtree(any_project.migrations)
    result = any_project.migrate("plan", "--down-to", "1", "--from-database")
    refused(result, 10, "002 cannot be rolled back alone: 001")


@pytest.mark.parametrize("options", [[], ["--to", "1"], ["--baseline", "1"]])
def test_only_a_rollback_comes_from_the_database(project: Project, options: list[str]) -> None:
    project.write_tables(1)
    result = project.migrate("plan", *options, "--from-database")
    refused(result, 64, "Only a rollback", "--down N")


def test_the_environment_still_wants_a_reviewed_plan(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    project.configure("policy: {require_plan: true}\n")
    refused(project.migrate("down", "--from-database"), 3, "reviewed plans")


def test_the_plan_is_for_its_state_and_expires_like_any_other(
    project: Project, postgres_server: Any
) -> None:
    project.write_tables(2)
    project.configure("max_plan_age: 1d\n")
    succeed(project.migrate("up"))
    succeed(project.migrate("plan", "--down", "1", "--from-database"))
    assert json.loads((project.folder / "plan.json").read_text())["expires_at"]
    succeed(project.migrate("down"))
    again = succeed(project.migrate("up"))
    assert "002" in again.out
    refused(project.migrate("apply", "plan.json"), 4, "Something else was applied")
    assert table_names(postgres_server, project.database) == [*OWN_TABLES, "t1", "t2"]
