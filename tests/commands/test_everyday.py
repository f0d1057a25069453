"""`history`, `lock`, `rebind`, `resolve` and `down`, as a person uses them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.commands.blocking import held_table, prepare_blocked, table_names, wait_until_blocked
from tests.commands.running import OWN_TABLES, Project, refused, succeed


def test_history_shows_the_newest_run_first_and_how_it_ended(any_project: Project) -> None:
    assert "started (UTC)" in succeed(any_project.migrate("history")).out
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    any_project.write("002_bad.sql", "create table t1 (id int);")
    assert any_project.migrate("up").code == 9
    succeed(any_project.migrate("plan", "--down", "1"))
    lines = succeed(any_project.migrate("history")).out.splitlines()
    assert [line.split()[2:5] for line in lines[1:]] == [
        ["up", "002", "ROLLED_BACK"],
        ["up", "001", "COMMITTED"],
    ]
    assert "002_bad.sql:2" in lines[1]
    assert len(succeed(any_project.migrate("history", "-n", "1")).out.splitlines()) == 2
    run = succeed(any_project.migrate("history", "--json")).document["runs"][1]
    assert run["finished_at"] >= run["started_at"] > "2026"
    assert "@" in run["actor"]
    assert run["versions"] == ["001"]
    assert run["ms"] >= 0
    shown = succeed(any_project.migrate("history", run["id"])).out
    assert f"Run {run['id']}: COMMITTED" in shown
    assert "+ up  001      t1    1" in shown
    whole = succeed(any_project.migrate("history", run["id"], "--json")).document["run"]
    assert [step["version"] for step in whole["steps"]] == ["001"]
    refused(
        any_project.migrate("history", "no-such-run"), 64, "no run no-such-run", "migrate history"
    )


def test_lock_exits_5_while_held_and_names_the_holder(
    any_project: Project, any_server: Any
) -> None:
    assert succeed(any_project.migrate("lock")).out == "The migration lock is free.\n"
    prepare_blocked(any_server, any_project)
    with held_table(any_server, any_project.database, "held"):
        process = any_project.start("up")
        wait_until_blocked(any_server, any_project.database)
        result = any_project.migrate("lock")
        assert result.code == 5
        assert f"held by {any_server.user} from " in result.out
        assert "pid " in result.out
        assert "To end it, if it is no run of yours: " in result.out
        assert f"{any_server.user} may write lockgate's tables" in result.out
    process.communicate(timeout=60)
    assert succeed(any_project.migrate("lock")).out == "The migration lock is free.\n"


@pytest.fixture
def copy(project: Project, postgres_server: Any) -> Iterator[dict[str, str]]:
    """The environment of a command on a copy of the project's database, with its history."""
    project.write_tables(2)
    succeed(project.migrate("up", "--to", "1"))
    succeed(project.migrate("plan", "-o", "original.json"))
    name = f"{project.database}_copy"
    with postgres_server.connect("postgres") as connection:
        connection.execute(f"create database {name} template {project.database}")
    yield {"TEST_URL": postgres_server.url(name)}
    postgres_server.drop_database(name)


def test_a_copy_is_refused_until_it_is_rebound(project: Project, copy: dict[str, str]) -> None:
    for arguments in (["up"], ["down"], ["plan"], ["status"]):
        result = project.migrate(*arguments, environ=copy)
        refused(result, 6, "This database is a copy, or a backup was restored", "migrate rebind")
    refused(project.migrate("apply", "original.json", environ=copy), 6, "The plan is for")

    rebound = succeed(project.migrate("rebind", environ=copy)).out
    assert "identity" in rebound
    assert "test" in rebound
    refused(project.migrate("apply", "original.json", environ=copy), 6)
    succeed(project.migrate("up", environ=copy))
    assert succeed(project.migrate("status", environ=copy)).out.endswith("2 applied\n")
    assert "Applied 002 t2." in succeed(project.migrate("apply", "original.json")).out


def test_rebind_of_a_database_that_is_nobodys(project: Project) -> None:
    refused(project.migrate("rebind"), 64, "no identity yet", "migrate up")


def test_a_database_of_another_environment_is_refused(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    project.write_environment("other", "engine: postgresql\ndatabase: {url_env: TEST_URL}\n")
    for arguments in (["up"], ["plan"], ["down"]):
        result = project.migrate(*arguments, "-e", "other")
        refused(result, 6, "belongs to environment test", "not to other", "migrate rebind")


def test_down_without_a_way_back_says_so(project: Project) -> None:
    project.write("001_oneway.sql", "create table t (id int);")
    succeed(project.migrate("up"))
    refused(project.migrate("down"), 10, "001 has no way back", "--skip-irreversible 001")
    refused(project.migrate("down", "--steps", "2"), 64, "are applied")


def test_down_of_what_another_requires_is_refused(project: Project) -> None:
    project.write_tables(1)
    path = project.write("002_user.sql", "select 1;", "select 1;")
    path.write_text("-- migrate:requires 001\n" + path.read_text())
    succeed(project.migrate("up"))
    assert "Rolled back 002 user." in succeed(project.migrate("down")).out


def test_other_tables_are_left_alone(any_project: Project, any_server: Any) -> None:
    with (
        any_server.connect(any_project.database) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("create table mine (id int)")
    any_project.write_tables(1)
    succeed(any_project.migrate("up", "--fresh"))
    succeed(any_project.migrate("down", "--to", "0"))
    assert table_names(any_server, any_project.database) == sorted([*OWN_TABLES, "mine"])


def test_resolve_has_nothing_to_settle_as_a_rule(project: Project) -> None:
    succeed(project.migrate("resolve"))
    project.configure("policy: {non_atomic: allow}\n")
    project.write("001_half.sql", "create table t (id int);\nselect nonsense;",
                  flags=" transaction:false")  # fmt: skip
    assert project.migrate("up").code == 7
    result = project.migrate("resolve")
    assert result.code == 7
    assert "001" in result.all
    refused(project.migrate("resolve", "--mark-applied", "1"), 64, "reason")
    succeed(project.migrate("resolve", "--mark-applied", "1", "--reason", "done by hand"))
    assert succeed(project.migrate("status")).out.endswith("1 applied\n")


def test_without_any_environment_database_url_is_dev(project: Project) -> None:
    project.write_tables(1)
    (project.folder / "environments/test.yaml").unlink()
    given = {"LOCKGATE_ENVIRONMENT": None, "DATABASE_URL": project.url}
    succeed(project.migrate("up", environ=given))
    (project.folder / ".env").write_text(f"DATABASE_URL={project.url}\nPATH=/nowhere\n")
    dotenv = {"LOCKGATE_ENVIRONMENT": None}
    assert "001" in succeed(project.migrate("status", environ=dotenv)).out
    (project.folder / ".env").write_text("DATABASE_URL=${SECRET}\n")
    spied = {"LOCKGATE_ENVIRONMENT": None, "SECRET": project.url}
    refused(project.migrate("status", environ=spied), 64, "DATABASE_URL is not the URL")
    (project.folder / ".env").unlink()
    refused(project.migrate("status", environ=dotenv), 64, "migrate init", "DATABASE_URL")


def test_database_url_leaves_open_what_libpq_takes_from_elsewhere(project: Project) -> None:
    project.write_tables(1)
    (project.folder / "environments/test.yaml").unlink()
    own = urlsplit(project.url)
    nothing = {"LOCKGATE_ENVIRONMENT": None}
    variables = {"PGHOST": own.hostname, "PGPORT": str(own.port), "PGUSER": own.username,
                 "PGDATABASE": project.database}  # fmt: skip
    url = {"DATABASE_URL": "postgresql://"}
    succeed(project.migrate("up", environ=nothing | url | variables))
    services = project.folder / "services.conf"
    services.write_text(
        f"[shop]\nhost={own.hostname}\nport={own.port}\nuser={own.username}\n"
        f"dbname={project.database}\napplication_name=a b&c\n"
    )
    named = nothing | {"PGSERVICEFILE": str(services)}
    url = {"DATABASE_URL": "postgresql://?service=shop"}
    assert "001" in succeed(project.migrate("status", environ=named | url)).out
    refused(project.migrate("status", environ=nothing | url), 64, "no file of services has [shop]")
    (project.folder / ".env").write_text("DATABASE_URL=postgresql://?service=shop\n")
    refused(project.migrate("status", environ=named), 64, "the URL names no user")
