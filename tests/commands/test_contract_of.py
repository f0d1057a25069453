"""`-- migrate:contract-of`: what was replaced goes when it is old enough and nothing reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.servers import postgres

FILE = "002_drop_old.sql"
RESET_STATEMENTS = "select pg_stat_statements_reset()"
RESET_DIGESTS = "truncate table performance_schema.events_statements_summary_by_digest"


def write(project: Project, age: str) -> None:
    text = (
        f"-- migrate:contract-of 001 min_age={age}\n-- migrate:up\nalter table t drop column old;\n"
    )
    (project.migrations / FILE).write_text(text)


def test_it_waits_until_what_has_replaced_it_is_old_enough(any_project: Project) -> None:
    any_project.write("001_t.sql", "create table t (id int primary key, old int, new int);")
    write(any_project, "1h")
    refused(any_project.migrate("plan"), 3, "only 1h after 001, which is not applied", "--to 001")
    succeed(any_project.migrate("up", "--to", "001"))
    refused(any_project.migrate("plan"), 3, "may run only 1h after 001: from", "Wait")
    write(any_project, "soon")
    refused(any_project.migrate("plan"), 64, "how old that has to be", "min_age=7d")
    write(any_project, "0s")
    succeed(any_project.migrate("plan"))
    succeed(any_project.migrate("apply", "plan.json"))


def test_a_rehearsal_runs_it_at_once(any_project: Project) -> None:
    any_project.configure("rehearsal:\n  url_env: TEST_URL\n")
    any_project.write("001_t.sql", "create table t (id int primary key, old int, new int);")
    succeed(any_project.migrate("up"))
    write(any_project, "0s")
    succeed(any_project.migrate("up"))
    write_next = any_project.write("003_u.sql", "create table u (id int);")
    assert "Rehearsed" in succeed(any_project.migrate("plan", "--rehearse")).all, write_next


def held_back(project: Project, server: Any, reset: Callable[[Any], object]) -> None:
    """Plan and apply refuse it while a statement is remembered that reads the column."""
    project.write("001_t.sql", "create table t (id int primary key, old int, new int);")
    succeed(project.migrate("up"))
    write(project, "0s")
    with server.connect(project.database) as connection, connection.cursor() as cursor:
        reset(cursor)  # a test server remembers few
        cursor.execute("select new from t")
        succeed(project.migrate("plan"))
        cursor.execute("select old from t where id = 3")
        refused(
            project.migrate("apply", "plan.json"), 3, "takes t.old away, which was read since 001"
        )
        refused(project.migrate("plan"), 3, "takes t.old away", "reset the server's statistics")
        reset(cursor)
    succeed(project.migrate("up"))


def test_it_waits_while_a_digest_reads_it(mysql_project: Project, mysql_server: Any) -> None:
    held_back(mysql_project, mysql_server, lambda cursor: cursor.execute(RESET_DIGESTS))


def test_it_waits_while_pg_stat_statements_tells_of_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "shared_preload_libraries", "pg_stat_statements")
    with postgres.PostgresServer() as server:
        database = server.new_database()
        with server.connect(database) as connection:
            connection.execute("create extension pg_stat_statements")
            connection.execute(RESET_STATEMENTS)
        project = Project(tmp_path, server.url(database), settings="")
        held_back(
            project, server, lambda cursor: cursor.execute("select pg_stat_statements_reset()")
        )
        project.close()
