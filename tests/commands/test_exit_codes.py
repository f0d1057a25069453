"""Every exit code, as a shell gets it from a real command."""

import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from lockgate.exits import Exit
from lockgate.status import BY_GRAVITY
from tests.commands.blocking import held_table, prepare_blocked, wait_until_blocked
from tests.commands.running import ROOT, Project, refused, succeed
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port, wait_until

DESIGNED = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 64, 130, 143}

BUGGY = """
import sys
from lockgate import workspace
assert workspace.load_migrations
workspace.load_migrations = lambda environment: 1 / 0
from lockgate.main import run
run()
"""


def test_the_codes_are_those_of_the_design() -> None:
    assert {code.value for code in Exit} == DESIGNED


def test_every_code_has_its_place_among_those_of_several_environments_and_0_the_last() -> None:
    assert sorted(BY_GRAVITY) == sorted(Exit)
    assert BY_GRAVITY[-1] == Exit.OK


def test_the_reference_page_has_every_code_in_order() -> None:
    page = (ROOT / "docs/reference/exit-codes.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| ") and line[2].isdigit()
    ]
    assert [(row[0], row[1]) for row in rows] == [
        (str(code.value), code.name.lower().replace("_", "-")) for code in Exit
    ]
    assert all(len(row) == 5 and all(row) for row in rows), rows


def test_0_ok_for_something_done_and_for_nothing_to_do(any_project: Project) -> None:
    any_project.write_tables(1)
    assert "Applied 001 t1." in succeed(any_project.migrate("up")).out
    assert "Nothing to do" in succeed(any_project.migrate("up")).out


def test_1_bug_for_an_unexpected_error_without_a_traceback(project: Project) -> None:
    result = project.migrate("status", command=(sys.executable, "-c", BUGGY))
    refused(result, 1, "Unexpected error: ZeroDivisionError", "bug in lockgate", "LOCKGATE_DEBUG=1")


def test_1_bug_shows_where_it_happened_when_asked(project: Project) -> None:
    context: Any = {"command": (sys.executable, "-c", BUGGY), "environ": {"LOCKGATE_DEBUG": "1"}}
    result = project.migrate("status", **context)
    assert result.code == 1
    assert "Traceback" in result.err
    assert "ZeroDivisionError" in result.err


def test_2_changes_only_when_asked_for_and_only_with_changes(project: Project) -> None:
    assert project.migrate("plan", "--detailed-exitcode").code == 0
    project.write_tables(1)
    assert project.migrate("plan").code == 0
    assert project.migrate("plan", "--detailed-exitcode").code == 2


@pytest.mark.parametrize("command", ["up", "down"])
def test_3_denied_where_a_reviewed_plan_is_wanted(project: Project, command: str) -> None:
    project.write_tables(1)
    project.configure("policy: {require_plan: true}\n")
    refused(project.migrate(command), 3, "only reviewed plans", "migrate plan -e test")
    succeed(project.migrate("plan"))
    succeed(project.migrate("apply", "plan.json"))


def test_4_stale_for_a_plan_that_another_overtook(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("plan", "-o", "old.json", "--to", "1"))
    any_project.write_tables(1, first=2)
    succeed(any_project.migrate("up"))
    result = any_project.migrate("apply", "old.json")
    refused(result, 4, "made at serial 0", "is at serial 2", "Make a new plan")


def test_5_locked_while_another_run_goes_on_and_names_it(
    any_project: Project, any_server: Any
) -> None:
    prepare_blocked(any_server, any_project)
    with held_table(any_server, any_project.database, "held"):
        first = any_project.start("up")
        wait_until_blocked(any_server, any_project.database)
        any_project.configure("lock: {wait: 0s}\n")
        refused(any_project.migrate("up"), 5, "migration lock", "holds it", any_server.user)
    assert first.communicate()[0].startswith("Applied 2 migrations")
    assert first.returncode == 0


def test_6_wrong_target_for_a_plan_of_another_environment(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    result = project.migrate("apply", "plan.json", "-e", "other")
    refused(result, 6, "for the environment test, not for other", "migrate plan -e other")


def test_6_wrong_target_for_another_database(
    any_project: Project, any_server: Any, tmp_path: Path
) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("plan"))
    other = any_server.new_database()
    try:
        elsewhere = {"TEST_URL": any_server.url(other)}
        result = any_project.migrate("apply", "plan.json", environ=elsewhere)
        refused(result, 6, any_project.database, other)
    finally:
        any_server.drop_database(other)


def test_3_denied_for_a_plan_that_is_not_atomic(any_project: Project) -> None:
    any_project.write("001_two.sql", "select 1;\nselect 2;", flags=" transaction:false")
    refused(any_project.migrate("plan"), 3, "NOT ATOMIC", "--allow-non-atomic")


def test_7_unresolved_for_a_migration_that_is_half_done(any_project: Project) -> None:
    any_project.configure("policy: {non_atomic: allow}\n")
    any_project.write(
        "001_half.sql",
        "create table half (id int);\ncreate table half (id int);",
        flags=" transaction:false",
    )
    refused(any_project.migrate("up"), 7, "001_half.sql:3", "half done", "done and kept: 1")
    refused(any_project.migrate("status"), 7, "stopped half-way")


@pytest.mark.parametrize("damage", ["altered", "truncated", "later format", "no plan"])
def test_8_invalid_plan(project: Project, damage: str) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    path = project.folder / "plan.json"
    document = json.loads(path.read_text())
    match damage:
        case "altered":
            path.write_text(path.read_text().replace("create table t1", "create table t2"))
        case "truncated":
            path.write_text(path.read_text()[:-100])
        case "later format":
            path.write_text(json.dumps({**document, "format_version": "2.0"}))
        case "no plan":
            path.write_text('{"format": "other"}')
    for command in (("apply", "plan.json"), ("show", "plan.json")):
        refused(project.migrate(*command), 8, "plan.json", "lockgate" if "later" in damage else "")


def test_9_failed_when_all_was_undone(project: Project, postgres_server: Any) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    before = postgres_server.dump(project.database).partition("COPY public.lockgate_runs")[0]
    project.write_tables(1, first=2)
    project.write("003_bad.sql", "create table t1 (id int);")
    refused(project.migrate("up"), 9, "003_bad.sql:2", "already exists", "was undone")
    after = postgres_server.dump(project.database).partition("COPY public.lockgate_runs")[0]
    assert after == before


def test_9_failed_on_mysql_when_nothing_was_kept(mysql_project: Project) -> None:
    mysql_project.write("001_bad.sql", "create table t (id int, id int);")
    refused(mysql_project.migrate("up"), 9, "001_bad.sql:2", "(1060)", "was undone")


def test_10_broken_history_for_a_changed_and_a_missing_file(any_project: Project) -> None:
    any_project.write_tables(3)
    succeed(any_project.migrate("up"))
    any_project.write("001_t1.sql", "create table other (id int);")
    (any_project.migrations / "002_t2.sql").unlink()
    for command in (["up"], ["status"]):
        refused(any_project.migrate(*command), 10, "001_t1.sql", "002 t2", "git checkout")


def test_10_broken_history_for_a_late_lower_version(project: Project) -> None:
    project.write_tables(1, first=2)
    succeed(project.migrate("up"))
    project.write_tables(1)
    refused(project.migrate("up"), 10, "before 002, which is applied: 001")


def test_11_unreachable_without_a_server(any_project: Project) -> None:
    any_project.write_tables(1)
    head, _, _ = any_project.url.rpartition(":")
    nowhere = {"TEST_URL": f"{head}:{free_port()}/{any_project.database}"}
    for command in (["plan"], ["up"]):
        result = any_project.migrate(*command, environ=nowhere)
        refused(result, 11, "No connection to the database", "Check the server")


@pytest.mark.parametrize("engine", ["postgresql", "mysql", "mariadb"])
def test_11_unreachable_where_a_server_accepts_and_says_nothing(
    tmp_path: Path, engine: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{engine}://ann@127.0.0.1:{silent.getsockname()[1]}/shop"
        project = Project(tmp_path, url, settings="timeouts: {connect: 1s}\n")
        refused(project.migrate("status"), 11, "No connection to the database")


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["up", "--no-such-option"],
        ["apply"],
        ["apply", "no-such-plan.json"],
        ["status", "-e", "no-such-environment"],
        ["down", "--steps", "0"],
        ["show", "plan.json", "--format", "xml"],
    ],
)
def test_64_usage(project: Project, arguments: list[str]) -> None:
    refused(project.migrate(*arguments), 64, "Error: ")


def test_64_usage_for_a_broken_environment(project: Project) -> None:
    project.configure("no_such_key: 1\n")
    refused(project.migrate("status"), 64, "environments/test.yaml", "no_such_key")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_130_and_143_interrupted(project: Project, postgres_server: Any, number: int) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        process = project.start("up")
        wait_until_blocked(postgres_server, project.database)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert "Interrupted" in err


def test_a_connection_that_the_server_ends_is_unreachable_and_ends_the_command(
    project: Project, postgres_server: PostgresServer
) -> None:
    project.write("001_sleep.sql", "select pg_sleep(60);")
    process = project.start("up")
    with postgres_server.connect(project.database) as bystander:
        ending = (
            "select pg_terminate_backend(pid) from pg_stat_activity where query like "
            "'select pg_sleep(60)%' and pid <> pg_backend_pid()"
        )
        wait_until(lambda: bystander.execute(ending).fetchone(), "the statement runs")
    assert process.wait(60) == 11
    _, err = process.communicate()
    assert "The connection was lost" in err


def test_a_role_without_rights_is_told_which_it_needs(
    project: Project, postgres_server: PostgresServer
) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    role = f"r{project.database[-8:]}"
    with postgres_server.connect(project.database) as bystander:
        bystander.execute(f"create role {role} login")
        url = project.url.replace(f"{postgres_server.user}@", f"{role}@")
        for command in ("plan", "status", "up", "history"):
            result = project.migrate(command, environ={"TEST_URL": url})
            refused(result, 64, "permission denied", "SELECT on the history table")
        bystander.execute(f"drop role {role}")
