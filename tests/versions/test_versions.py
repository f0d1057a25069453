"""An old PostgreSQL: what people do with it, from the first plan to a kill -9, as on a new one.

It must run on every major version; `python -m tests.versions` runs it on those before the wheel's.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.programs.installations import find_installation
from tests.commands.blocking import (
    held_table,
    prepare_blocked,
    table_names,
    wait_until_blocked,
)
from tests.commands.running import OWN_TABLES, Project, refused, succeed
from tests.servers.postgres import WHEEL, PostgresServer
from tests.servers.versions import TOO_OLD

EVERYTHING = (Path(__file__).parent / "everything.sql").read_text()
NOTHING = """
drop publication pub; drop cast (pair as mood);
alter default privileges in schema app revoke select on tables from public;
drop extension citext cascade; drop schema app cascade; drop materialized view if exists mv;
drop view if exists v; drop view v1; drop table users, ev, par, child, c, ul, st2 cascade;
drop type fr; drop extension hstore; drop text search configuration cfg; drop collation col;
drop operator === (int, int); drop aggregate mysum (int); drop procedure p (int);
drop function f (int, text); drop function f2 (int); drop function trg(); drop sequence sq;
drop type pair; drop domain email; drop type mood;
"""
OUTSIDE = " transaction:false"


@pytest.fixture
def old(postgres_server: PostgresServer) -> PostgresServer:
    """The server, which must be of a version before the wheel's for this test to show anything."""
    if postgres_server.major == WHEEL:
        pytest.fail("run `make test-versions`: LOCKGATE_TEST_POSTGRES names no older version")
    return postgres_server


def run(server: Any, project: Project, sql: str) -> None:
    with server.connect(project.database) as connection:
        connection.execute(sql)


def test_every_kind_of_object_is_rehearsed_applied_compared_and_rolled_back(
    project: Project, own: dict[str, str], postgres_server: PostgresServer
) -> None:
    project.write("001_everything.sql", EVERYTHING, NOTHING)
    shown = succeed(project.migrate("plan", "--rehearse", environ=own)).out
    assert f"Rehearsed on postgresql {postgres_server.major}." in shown
    assert "The way back restores what was there" in shown
    succeed(project.migrate("apply", "plan.json", environ=own))
    drift = succeed(project.migrate("drift", "--replay", environ=own))
    assert (drift.out.startswith("No drift"), drift.err) == (True, "")
    run(postgres_server, project, "alter table users add column by_hand int not null default 1")
    assert "+column by_hand" in refused(project.migrate("drift", "--replay", environ=own), 4).out
    run(postgres_server, project, "alter table users drop column by_hand")
    succeed(project.migrate("down"))
    assert table_names(postgres_server, project.database) == OWN_TABLES


@pytest.fixture
def only_the_wheels(old: PostgresServer) -> None:
    """No package of the system brings this major: a rehearsal is on the wheel's."""
    if find_installation(old.major, {}):
        pytest.skip(f"PostgreSQL {old.major} is installed on this machine")


@pytest.mark.usefixtures("only_the_wheels")
def test_drift_against_another_version_raises_no_false_alarm(
    project: Project, old: PostgresServer
) -> None:
    project.write("001_everything.sql", EVERYTHING)
    succeed(project.migrate("up"))
    drift = succeed(project.migrate("drift", "--replay"))
    assert drift.out.startswith("No drift")
    assert f"were replayed on PostgreSQL {WHEEL}" in drift.err
    assert f"apt-get install postgresql-{old.major}" in drift.err
    run(old, project, "alter table users alter column mail set not null")
    run(old, project, "alter table par alter column a drop not null")
    found = refused(project.migrate("drift", "--replay", "--json"), 4).document
    assert [each["object"] for each in found["differences"]] == [
        "table public.child", "table public.par", "table public.users",
    ]  # fmt: skip
    assert found["note"]


@pytest.mark.usefixtures("only_the_wheels")
def test_a_rehearsal_on_another_version_is_said_and_does_not_satisfy(
    project: Project, own: dict[str, str], old: PostgresServer
) -> None:
    project.configure("policy: {rehearsal: required}\n")
    project.write("001_t.sql", "create table t (id int);", "drop table t;")
    told = f"It was rehearsed on PostgreSQL {WHEEL}, and the database is on"
    denied = refused(project.migrate("plan", "--rehearse"), 3)
    assert f"{told} PostgreSQL {old.major}." in denied.all
    assert any(told in each for each in json.loads(
        (project.folder / "plan.json").read_text())["warnings"])  # fmt: skip
    succeed(project.migrate("plan", "--rehearse", environ=own))


def test_what_only_a_newer_version_knows_fails_in_the_rehearsal(
    project: Project, own: dict[str, str], old: PostgresServer
) -> None:
    project.write("001_t.sql", "create table t (a int, b int generated always as (a) virtual);")
    refused(project.migrate("plan", "--rehearse", environ=own), 9, "rehearsal of the plan failed")
    refused(project.migrate("up"), 9)
    assert table_names(old, project.database) == OWN_TABLES


@pytest.mark.parametrize("transaction", ["plan", "step"])
def test_a_failure_is_undone(
    project: Project, postgres_server: PostgresServer, transaction: str
) -> None:
    project.configure(f"transaction: {transaction}\n")
    project.write("001_t.sql", "create table t (id int);\nalter table t add a int, add a int;")
    refused(project.migrate("up"), 9, "001_t.sql:3")
    assert set(table_names(postgres_server, project.database)) <= set(OWN_TABLES)


def test_an_index_is_built_concurrently_and_a_failed_one_leaves_nothing(
    project: Project, postgres_server: PostgresServer
) -> None:
    project.write("001_t.sql", "create table t (v int);\ninsert into t values (1), (1);")
    project.write("002_i.sql", "create index concurrently t_i on t (v);", flags=OUTSIDE)
    assert "ATOMIC IN PARTS" in succeed(project.migrate("plan")).out
    succeed(project.migrate("apply", "plan.json"))
    project.write("003_u.sql", "create unique index concurrently t_u on t (v);", flags=OUTSIDE)
    refused(project.migrate("up"), 9)
    with postgres_server.connect(project.database) as connection:
        asked = "select relname from pg_class where relkind = 'i' and relname like 't\\_%'"
        assert connection.execute(asked).fetchall() == [("t_i",)]


def test_a_killed_run_is_done_again(project: Project, postgres_server: PostgresServer) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        process = project.start("up")
        wait_until_blocked(postgres_server, project.database)
        process.kill()
        process.communicate()
    succeed(project.migrate("up"))
    assert "early" in table_names(postgres_server, project.database)


def test_who_blocks_a_run_is_named(project: Project, postgres_server: PostgresServer) -> None:
    prepare_blocked(postgres_server, project)
    project.configure("timeouts: {lock: 1s}\nretries: {lock: 0}\n")
    with held_table(postgres_server, project.database, "held") as holder:
        refused(project.migrate("up"), 9, f"pid {holder.info.backend_pid}")


def test_two_runs_exclude_each_other(project: Project, postgres_server: PostgresServer) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        process = project.start("up")
        wait_until_blocked(postgres_server, project.database)
        project.configure("lock: {wait: 0s}\n")
        refused(project.migrate("up"), 5, "migration lock")
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_version_is_recorded_and_forgotten(
    project: Project, postgres_server: PostgresServer
) -> None:
    project.write_tables(2)
    run(postgres_server, project, "create table t1 (id int)")
    succeed(project.migrate("plan", "--fresh", "--record", "001"))
    succeed(project.migrate("apply", "plan.json"))
    succeed(project.migrate("up"))
    assert {"t1", "t2"} <= set(table_names(postgres_server, project.database))
    succeed(project.migrate("plan", "--forget", "001"))
    succeed(project.migrate("apply", "plan.json"))
    assert "001" in succeed(project.migrate("status")).out


def test_the_schema_is_dumped(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    assert "CREATE TABLE public.t1" in succeed(project.migrate("dump")).out


def test_values_of_an_enum_are_added_and_used(project: Project) -> None:
    project.write("001_mood.sql", "create type mood as enum ('a');\ncreate table m (m mood);")
    succeed(project.migrate("up"))
    project.write("002_b.sql", "alter type mood add value 'b';")
    project.write("003_used.sql", "insert into m values ('b');")
    project.write("004_made.sql", "create type own as enum ();\nalter type own add value 'c';")
    project.write("005_used.sql", "create table o as select 'c'::own as o;")
    succeed(project.migrate("up"))


def test_a_statement_is_weighed_by_the_live_tables(
    project: Project, postgres_server: PostgresServer
) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    run(postgres_server, project, "insert into t1 select generate_series(1, 2000); analyze t1")
    project.write("002_type.sql", "alter table t1 alter id type bigint;")
    shown = succeed(project.migrate("plan", "--json", "-o", "p.json"))
    assert shown.code == 0
    (touch,) = json.loads((project.folder / "p.json").read_text())["steps"][0]["statements"][0][
        "touches"
    ]
    assert (touch["lock"], touch["work"], touch["rows"]) == ("ACCESS EXCLUSIVE", "rewrite", 2000)


def test_a_server_that_is_too_old_is_refused_by_a_sentence_of_its_own(tmp_path: Path) -> None:
    (version,) = TOO_OLD
    with PostgresServer(version) as server:
        project = Project(tmp_path, server.url("postgres"))
        project.write_tables(1)
        for command in ("up", "status", "plan"):
            refused(project.migrate(command), 64, f"is PostgreSQL {version}, and the oldest")
        assert table_names(server, "postgres") == []
