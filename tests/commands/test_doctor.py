"""`migrate doctor`: what an environment lacks, with the line that gives it."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lockgate.planner.sql.dialect import DIALECTS, Dialect
from lockgate.runs.checkup import judge_clock, judge_version
from tests.commands.running import Project, Result, refused, succeed
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer

POSTGRESQL = DIALECTS["postgresql"]


def checks(result: Result) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in result.document["checks"]}


def test_a_healthy_environment_has_no_problem(any_project: Project) -> None:
    any_project.write_tables(1)
    found = checks(succeed(any_project.migrate("doctor", "--json")))
    assert found["ledger"]["found"] == "none yet: nothing was applied"
    succeed(any_project.migrate("up"))
    found = checks(succeed(any_project.migrate("doctor", "--json")))
    assert {each["grade"] for name, each in found.items() if name != "rehearsal"} == {"ok"}
    assert found["version"]["found"].endswith("is supported")
    assert found["disk"]["found"].startswith("database ")
    assert found["replicas"]["found"] == "none"
    assert found["ledger"]["found"] == "1 applied, serial 1"
    assert found["migrations"]["found"] == "1 file"
    assert any_project.database in found["connection"]["found"]


def test_a_server_that_is_away_does_not_hide_the_rest(project: Project) -> None:
    result = project.migrate("doctor", environ={"TEST_URL": "postgresql://who@127.0.0.1:1/nowhere"})
    assert result.code == 11
    assert "ok       migrations: 0 files" in result.out
    assert "PROBLEM  connection: " in result.out


def test_a_history_that_does_not_fit_ends_as_a_command_would(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    any_project.write("001_t1.sql", "select 1;")
    refused(any_project.migrate("doctor"), 10)


@pytest.fixture
def reader(any_project: Project, any_server: Any) -> Iterator[dict[str, str]]:
    """The environment variables by which a role without rights reaches the project's database."""
    database, is_postgres = any_project.database, any_server.engine == "postgresql"
    name = (
        "role doctor_reader login password" if is_postgres else "user doctor_reader identified by"
    )
    run(any_server, database, f"create {name} 'pw'")
    run(any_server, database, "select 1" if is_postgres else
        f"grant select on `{database}`.* to doctor_reader")  # fmt: skip
    scheme, _, place = any_server.url(database).partition("://")
    yield {"TEST_URL": f"{scheme}://doctor_reader:pw@{place.rpartition('@')[2]}"}
    if is_postgres:
        run(any_server, database, "drop owned by doctor_reader")
    run(any_server, database, f"drop {'role' if is_postgres else 'user'} doctor_reader")


def run(server: Any, database: str, sql: str) -> None:
    """Runs SQL as the server's administrator."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def test_each_task_is_given_the_grant_that_it_lacks(
    any_project: Project, any_server: Any, reader: dict[str, str]
) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    lacking = [
        each
        for each in any_project.migrate("doctor", "--json", environ=reader).document["checks"]
        if each["name"].startswith("rights to ")
    ]
    assert {"rights to status and plan", "rights to apply"} <= {each["name"] for each in lacking}
    if any_server.engine == "postgresql":  # no role is ever to be a member of a superuser
        assert not [each["do"] for each in lacking if each["do"].startswith('grant "postgres"')]
    for each in lacking:
        run(any_server, any_project.database, each["do"].removesuffix(";"))
    found = any_project.migrate("doctor", "--json", environ=reader).document["checks"]
    (ledger,) = [each["do"] for each in found if each["name"] == "ledger"]
    for sql in re.findall("`(alter table .*?)`", ledger):  # a superuser has made it
        run(any_server, any_project.database, sql)
    found = checks(succeed(any_project.migrate("doctor", "--json", environ=reader)))
    assert [name for name in found if name.startswith("rights")] == ["rights"]
    any_project.write("002_t2.sql", "create table t2 (id int primary key);")
    succeed(any_project.migrate("up", environ=reader))


def test_readers_may_read_the_ledger_once_it_is_made(
    any_project: Project, any_server: Any, reader: dict[str, str]
) -> None:
    if any_server.engine != "postgresql":
        revoked = f"revoke select on `{any_project.database}`.* from doctor_reader"
        run(any_server, any_project.database, revoked)
    any_project.configure("history: {readers: [nowhere]}\n")
    found = checks(any_project.migrate("doctor", "--json"))
    (lacking,) = [one for name, one in found.items() if name.startswith("rights to let readers")]
    assert lacking["do"] == (
        'create role "nowhere";' if any_server.engine == "postgresql"
        else "create user `nowhere`@`%` account lock;"
    )  # fmt: skip
    any_project.write_tables(1)
    warned = succeed(any_project.migrate("plan")).all
    assert "`history: {readers: …}` names the " in warned
    assert "is not there: `apply` could not make lockgate's tables" in warned
    refused(any_project.migrate("up"), 9, "history: {readers: …}", "Make it")
    if any_server.engine != "postgresql":  # its tables were made before
        run(any_server, any_project.database, "drop table schema_migrations, lockgate_target, "
            "lockgate_runs, lockgate_plans, lockgate_journal")  # fmt: skip
    any_project.configure("history: {readers: [doctor_reader]}\n")
    assert "is not there" not in succeed(any_project.migrate("plan")).all
    succeed(any_project.migrate("up"))
    assert "1 applied" in succeed(any_project.migrate("status", environ=reader)).out
    any_project.configure("history: {readers: [nowhere]}\n")  # who reads what is made, doctor says
    assert "is not there" not in succeed(any_project.migrate("plan")).all
    any_project.configure("history: {readers: [doctor_reader]}\n")
    succeed(any_project.migrate("history", environ=reader))
    refused(any_project.migrate("down", environ=reader), 9)


def test_rights_by_an_active_role_count(
    family_server: Any, family_database: str, tmp_path: Path
) -> None:
    default = {"mysql": "default role all to doctor_user",
               "mariadb": "default role doctor_role for doctor_user"}  # fmt: skip
    making = ("create role doctor_role", "create user doctor_user identified by 'pw'",
              "grant all privileges on *.* to doctor_role", "grant doctor_role to doctor_user",
              f"set {default[family_server.engine]}")  # fmt: skip
    try:
        for sql in making:
            run(family_server, family_database, sql)
        scheme, _, place = family_server.url(family_database).partition("://")
        url = f"{scheme}://doctor_user:pw@{place.rpartition('@')[2]}"
        with closing(Project(tmp_path, url)) as project:
            found = checks(project.migrate("doctor", "--json"))
        assert [name for name in found if name.startswith("rights")] == ["rights"]
    finally:
        run(family_server, family_database, "drop user doctor_user")
        run(family_server, family_database, "drop role doctor_role")


def test_a_pooler_is_recognised(project: Project, postgres_server: PostgresServer) -> None:
    with PgBouncer(postgres_server, "transaction", size=1) as pooler:
        shared = {"TEST_URL": pooler.url(project.database)}
        result = project.migrate("doctor", environ=shared)
        assert result.code == 64
        assert "PROBLEM  connection: The connection goes through a pooler" in result.out
        project.configure("pooler: session")
        result = project.migrate("doctor", environ=shared)
        assert result.code == 64
        assert "this pooler shares server sessions" in result.out
    with PgBouncer(postgres_server, "session") as pooler:
        own = {"TEST_URL": pooler.url(project.database)}
        found = checks(succeed(project.migrate("doctor", "--json", environ=own)))
        assert found["pooler"]["found"] == "one that keeps a server session for each client"


def test_a_slot_without_a_reader_is_named(
    project: Project, postgres_server: PostgresServer
) -> None:
    make = "select pg_create_physical_replication_slot('doctor''s_slot'::name, true)"
    run(postgres_server, project.database, make.replace("''s", "s"))
    try:
        result = succeed(project.migrate("doctor"))
        assert "warning  replicas: no reader of the slot doctors_slot is connected" in result.out
        assert "or: select pg_drop_replication_slot('doctors_slot');" in result.out
    finally:
        drop = "select pg_drop_replication_slot('doctors_slot')"
        run(postgres_server, project.database, drop)


def test_a_commit_that_would_wait_for_a_standby_is_named(project: Project) -> None:
    with PostgresServer() as server:
        run(server, "postgres", "alter system set synchronous_standby_names = 'far'")
        run(server, "postgres", "select pg_reload_conf()")
        result = project.migrate("doctor", environ={"TEST_URL": server.url("postgres")})
    assert "each COMMIT waits for a standby of synchronous_standby_names (far)" in result.out


def test_a_ledger_of_an_older_lockgate_is_said(project: Project, postgres_server: Any) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    run(postgres_server, project.database, "alter table lockgate_runs drop emergency")
    result = succeed(project.migrate("doctor"))
    assert "1 applied, serial 1; an older lockgate made it" in result.out


@pytest.mark.parametrize(
    ("dialect", "grade"), [(POSTGRESQL.with_server(190000), "warning"), (POSTGRESQL, "ok")]
)
def test_a_server_that_is_newer_than_the_grammar_is_a_warning(dialect: Dialect, grade: str) -> None:
    assert judge_version(dialect).grade == grade


@pytest.mark.parametrize(("late", "grade"), [(30, "ok"), (90, "warning"), (-90, "warning")])
def test_clocks_that_differ_are_a_warning(late: int, grade: str) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    check = judge_clock(now + timedelta(seconds=late), now)
    assert check.grade == grade
    assert ("90s" in check.found) == (grade == "warning")
