"""Databases that may lose everything: `reset` and `redo`; and the embedded server at work."""

import signal
from typing import Any

import pytest

from tests.commands.running import COMMAND, Project, refused, succeed

DISPOSABLE = "disposable: true\n"


@pytest.mark.parametrize("command", ["reset", "redo"])
def test_only_a_disposable_database_is_emptied(project: Project, command: str) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    refused(project.migrate(command), 3, "test.yaml does not say `disposable: true`")
    assert "001" in succeed(project.migrate("status")).out


def test_what_extends_a_disposable_environment_is_none(project: Project) -> None:
    project.configure(DISPOSABLE)
    project.write_environment("live", "extends: test\ndatabase: {url_env: TEST_URL}\n")
    refused(project.migrate("reset", "-e", "live"), 3, "live.yaml")


def test_redo_applies_the_last_migration_as_its_file_is_now(any_project: Project) -> None:
    any_project.configure(DISPOSABLE)
    any_project.write_tables(2)
    succeed(any_project.migrate("up"))
    any_project.write("002_t2.sql", "create table other (id int);", "drop table other;")
    assert "Applied 002 t2." in succeed(any_project.migrate("redo")).out
    any_project.write("003_saved_too_late.sql", "", "")
    assert "it is recorded, and does nothing" in succeed(any_project.migrate("up")).all
    any_project.write("003_saved_too_late.sql", "create table t3 (id int);", "drop table t3;")
    succeed(any_project.migrate("redo"))
    succeed(any_project.migrate("down", "--steps", "3"))


def test_reset_leaves_what_the_migrations_make(any_project: Project) -> None:
    any_project.configure(DISPOSABLE)
    any_project.write("001_t.sql", "create table t (id int);", "drop table t;")
    succeed(any_project.migrate("up"))
    any_project.write("001_t.sql", "create table u (id int);", "drop table u;")
    assert "Applied 001 t." in succeed(any_project.migrate("reset")).out
    succeed(any_project.migrate("down"))


def test_wait_ends_when_the_version_is_applied(any_project: Project) -> None:
    any_project.write_tables(2)
    succeed(any_project.migrate("up", "--to", "1"))
    succeed(any_project.migrate("wait"))
    succeed(any_project.migrate("wait", "--for", "001"))
    missed = any_project.migrate("wait", "--for", "002", "--timeout", "100ms")
    refused(missed, 4, "002 is not applied", "Waited for 100ms")
    waiting = any_project.start("wait", "--for", "002")
    succeed(any_project.migrate("up"))
    assert waiting.wait(60) == 0
    refused(any_project.migrate("wait", "--timeout", "soon"), 64, "500ms, 5s")


def test_the_second_host_is_taken_where_the_first_does_not_answer(project: Project) -> None:
    url = project.url.replace("@127.0.0.1:", "@127.0.0.2:PORT,127.0.0.1:")
    port = project.url.rpartition(":")[2].partition("/")[0]
    url = f"{url.replace('PORT', port)}?target_session_attrs=read-write"
    project.write_tables(1)
    succeed(project.migrate("up", environ={"TEST_URL": url}))
    assert succeed(project.migrate("shell", "-c", "select 1", environ={"TEST_URL": url}))


def test_wait_ends_with_11_where_no_server_answers(project: Project) -> None:
    nobody = {"TEST_URL": "postgresql://u@127.0.0.1:1/d"}
    refused(project.migrate("wait", "--timeout", "100ms", environ=nobody), 11, "Waited for 100ms")


def test_a_command_waits_for_a_server_that_is_not_up_yet(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The address is one where no server answers, and from the second time on the server's."""
    place = tmp_path_factory.mktemp("place")
    script = place / "address"
    script.write_text(
        f"#!/bin/sh\ncd {place}\nif test -e asked; then echo '{project.url}'; "
        "else echo postgresql://u@127.0.0.1:1/d; fi\ntouch asked\n"
    )
    script.chmod(0o755)
    project.write_tables(1)
    project.configure(database=f"url_command: [{script}]")
    listed = {"LOCKGATE_COMMANDS": str(script)}
    refused(project.migrate("up", environ=listed), 11, "No connection")
    (place / "asked").unlink()
    succeed(project.migrate("up", "--wait", "30s", environ=listed))
    nobody = {"TEST_URL": "postgresql://u@127.0.0.1:1/d"}
    project.configure()
    refused(project.migrate("status", "--wait", "100ms", environ=nobody), 11, "Waited for 100ms")


def test_an_embedded_server_serves_until_it_is_asked_to_end(project: Project) -> None:
    project.write_environment("dev", "database: embedded\n")
    serving = project.start("serve", "-e", "dev", command=COMMAND)
    assert serving.stdout
    url = serving.stdout.readline().strip()
    project.write_environment("other", "database: $SERVED\n")
    succeed(project.migrate("status", "-e", "other", environ={"SERVED": url}))
    shown = project.migrate("shell", "-e", "dev", "-c", "select 41 + 1", command=COMMAND)
    assert "42" in succeed(shown).out
    serving.send_signal(signal.SIGTERM)  # a job in the background ignores SIGINT
    assert serving.wait(60) == 0
    refused(project.migrate("serve"), 64, "not embedded")


def test_reset_leaves_the_databases_of_others(mysql_project: Project, mysql_server: Any) -> None:
    mysql_project.configure(DISPOSABLE)
    mysql_project.write_tables(1)
    others = [f"{mysql_project.database}_b", f"{mysql_project.database}_b_lockgate_0123abcd"]
    with mysql_server.connect(None) as connection, connection.cursor() as cursor:
        for name in others:
            cursor.execute(f"create database {name}")
        succeed(mysql_project.migrate("reset"))
        for name in others:  # refused where it is gone
            cursor.execute(f"drop database {name}")


def test_shell_needs_no_client_of_the_server(family_project: Project) -> None:
    nothing = {"PATH": str(family_project.folder)}
    shell = ("shell", "-c", "select 40 + 2 as answer")
    assert succeed(family_project.migrate(*shell, environ=nothing)).out == "answer\n42\n"
    failed = family_project.migrate("shell", "-c", "select nonsense", environ=nothing)
    assert (failed.code, "nonsense" in failed.err) == (1, True)
    (family_project.folder / "piped.sql").write_text(
        "create table t (a int);\ninsert into t values (1);"
    )
    with (family_project.folder / "piped.sql").open() as piped:
        assert succeed(family_project.migrate("shell", environ=nothing, stdin=piped)).out.endswith(
            "1 row\n"
        )
