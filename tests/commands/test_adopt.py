"""`migrate adopt`: another tool's history, taken over by a plan, watched, and given back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.blocking import table_names
from tests.commands.running import Project, refused, succeed

FLYWAY = """create table flyway_schema_history (
    installed_rank int primary key, version varchar(50), description varchar(200) not null,
    type varchar(20) not null, script varchar(1000) not null, checksum int,
    installed_by varchar(100) not null, installed_on timestamp not null,
    execution_time int not null, success boolean not null)"""
OURS = ["lockgate_journal", "lockgate_migrations", "lockgate_plans", "lockgate_runs"]


def run(server: Any, project: Project, *statements: str) -> list[Any]:
    """The rows of the last statement."""
    with server.connect(project.database) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def states(project: Project) -> dict[str, str]:
    """Each version's state, with `recorded` where it was not run."""
    found = succeed(project.migrate("status", "--json")).document["migrations"]
    return {each["version"]: "recorded" if each["recorded"] else each["state"] for each in found}


@pytest.fixture
def dbmate(any_project: Project, any_server: Any) -> Project:
    """A database of dbmate: three versions, of which the second was never applied."""
    for number, column in enumerate("abc", 1):
        any_project.write(
            f"2024010{number}_{column}.sql",
            f"create table {column} (id int);",
            f"drop table {column};",
        )
    run(
        any_server, any_project,
        "create table schema_migrations (version varchar(128) primary key)",
        "insert into schema_migrations values ('20240101'), ('20240103')",
        "create table a (id int)", "create table c (id int)",
    )  # fmt: skip
    return any_project


def adopt(project: Project, *options: str) -> Any:
    """The plan of an adoption, when it is applied."""
    verify = () if "--verify" in options else ("--no-verify",)
    succeed(project.migrate("adopt", *verify, *options))
    succeed(project.migrate("apply", "adopt.json"))
    return json.loads((project.folder / "adopt.json").read_text())


def test_exactly_what_is_applied_is_recorded(dbmate: Project, any_server: Any) -> None:
    shown = succeed(dbmate.migrate("adopt", "--no-verify")).all
    assert "Pending below what is applied: 20240102" in shown
    assert table_names(any_server, dbmate.database) == ["a", "c", "schema_migrations"]
    plan = json.loads((dbmate.folder / "adopt.json").read_text())
    assert [step["version"] for step in plan["steps"]] == ["20240101", "20240103"]
    assert plan["verdict"] == "ATOMIC (one transaction)"
    assert plan["adopted"]["versions"] == ["20240101", "20240103"]
    succeed(dbmate.migrate("apply", "adopt.json"))
    assert states(dbmate) == {
        "20240101": "recorded", "20240102": "out of order", "20240103": "recorded",
    }  # fmt: skip
    dbmate.configure("policy: {out_of_order: warn}")
    assert "Applied 20240102 b." in succeed(dbmate.migrate("up")).out
    succeed(dbmate.migrate("down"))
    assert set(run(any_server, dbmate, "select version from schema_migrations")) == {
        ("20240101",), ("20240103",),
    }  # fmt: skip


def test_what_the_other_tool_does_after_it_stops_us(dbmate: Project, any_server: Any) -> None:
    adopt(dbmate)
    succeed(dbmate.migrate("plan", "--to", "20240101"))
    dbmate.write("20240104_d.sql", "create table d (id int);")
    run(any_server, dbmate, "insert into schema_migrations values ('20240104')")
    for command in ("plan", "up", "status"):
        refused(dbmate.migrate(command), 10, "dbmate has applied 20240104 since lockgate took over")
    adopt(dbmate)
    assert states(dbmate)["20240104"] == "recorded"
    run(any_server, dbmate, "delete from schema_migrations where version = '20240101'")
    refused(dbmate.migrate("up"), 10, "rolled back 20240101", "--forget 20240101")
    succeed(dbmate.migrate("plan", "--forget", "20240101", "-o", "forget.json"))
    succeed(dbmate.migrate("apply", "forget.json"))
    assert states(dbmate)["20240101"] == "out of order"


def test_an_adoption_is_undone_and_the_other_tool_has_all_it_had(
    dbmate: Project, any_server: Any
) -> None:
    refused(dbmate.migrate("adopt", "--undo"), 64, "No other tool's history was taken over")
    adopt(dbmate)
    dbmate.write("20240104_d.sql", "create table d (id int);", "drop table d;")
    dbmate.configure("policy: {out_of_order: warn}")
    succeed(dbmate.migrate("up"))
    found = refused(dbmate.migrate("adopt", "--undo"), 10, "applied 20240102, 20240104 since")
    assert "`migrate down --steps 2`" in found.err
    last = found.err.strip().splitlines()[-2:]
    assert last == [
        f"  insert into schema_migrations (version) values ('2024010{number}');"
        for number in (2, 4)
    ]
    succeed(dbmate.migrate("down"))
    run(any_server, dbmate, last[0])
    assert "dbmate goes on" in succeed(dbmate.migrate("adopt", "--undo")).out
    assert table_names(any_server, dbmate.database) == ["a", "b", "c", "schema_migrations"]
    refused(dbmate.migrate("status"), 10, "history of dbmate, with 3 applied")


def test_an_adoption_is_not_undone_when_the_other_tool_would_miss_what_is_rolled_back(
    dbmate: Project, any_server: Any
) -> None:
    adopt(dbmate)
    succeed(dbmate.migrate("down"))
    succeed(dbmate.migrate("plan", "--forget", "20240101"))
    succeed(dbmate.migrate("apply", "plan.json"))
    told = "lockgate has rolled back 20240103 since, which dbmate calls applied"
    found = refused(dbmate.migrate("adopt", "--undo"), 10, told, "`migrate up --to 20240103`")
    line = found.err.strip().splitlines()[-1]
    assert line == "  delete from schema_migrations where version = '20240103';"
    run(any_server, dbmate, line)
    succeed(dbmate.migrate("adopt", "--undo"))
    assert table_names(any_server, dbmate.database) == ["a", "schema_migrations"]


def test_a_plan_is_stale_when_the_other_tool_has_gone_on(dbmate: Project, any_server: Any) -> None:
    succeed(dbmate.migrate("adopt", "--no-verify"))
    run(any_server, dbmate, "insert into schema_migrations values ('20240102')")
    refused(dbmate.migrate("apply", "adopt.json"), 4, "dbmate has applied or rolled back something")


def test_what_has_no_file_is_refused(dbmate: Project) -> None:
    (dbmate.migrations / "20240101_a.sql").unlink()
    refused(dbmate.migrate("adopt"), 10, "no file of the migrations directory is: 20240101")
    refused(dbmate.migrate("adopt", "--from", "flyway"), 64, "schema_migrations of dbmate")


def test_what_is_taken_over_can_be_no_baseline_too(dbmate: Project, any_server: Any) -> None:
    found = refused(dbmate.migrate("up"), 10, "another tool made them:", "migrate adopt -e test")
    assert "--baseline" not in found.err
    run(any_server, dbmate, "drop table schema_migrations")
    refused(dbmate.migrate("up"), 10, "another tool made them:", "migrate plan -e test --baseline")
    write_sqitch(dbmate)
    refused(dbmate.migrate("adopt"), 64, "keeps its registry in a database of its own")


def write_sqitch(project: Project) -> None:
    """The files of Sqitch in place of the project's."""
    for path in project.migrations.iterdir():
        path.unlink()
    plan = "%syntax-version=1.0.0\n%project=shop\n\na 2024-01-01T00:00:00Z Ann <ann@a.b> # a\n"
    (project.migrations / "sqitch.plan").write_text(plan)
    (project.migrations / "deploy").mkdir()
    (project.migrations / "deploy/a.sql").write_text("create table a (id int);\n")
    project.configure("migrations: {directory: migrations, format: auto}")


def test_the_schema_is_verified_where_it_can_be(dbmate: Project, any_server: Any) -> None:
    if any_server.engine != "postgresql":
        assert "was not compared" in succeed(dbmate.migrate("adopt")).all
        refused(dbmate.migrate("adopt", "--verify"), 64, "rehearsal: {url_env")
        dbmate.configure("rehearsal: {url_env: TEST_URL}")
    found = succeed(dbmate.migrate("adopt"))
    assert "was not compared" not in found.all
    assert "The schema was compared with what these migrations make, and is the same" in found.out
    told = "was compared with"
    assert told in succeed(dbmate.migrate("show", "adopt.json", "--format", "markdown")).out
    assert told in succeed(dbmate.migrate("show", "adopt.json", "--format", "html")).out
    assert told not in succeed(dbmate.migrate("adopt", "--no-verify")).all
    run(any_server, dbmate, "alter table a add column by_hand int")
    refused(dbmate.migrate("adopt"), 10, "not what the migrations make", "a (changed)")
    succeed(dbmate.migrate("adopt", "--no-verify"))


def test_what_no_migration_decides_on_is_no_reason_to_refuse(
    project: Project, postgres_server: Any
) -> None:
    """A schema public of PostgreSQL 14, made again; another owner; a role that reads all."""
    project.write(
        "1_a.sql", "create schema own; create table a (id int); create table app.b (i int);"
    )
    project.write("2_g.sql", "grant usage on schema public to pg_monitor;", "drop table t;")
    run(
        postgres_server, project, "drop schema public", "create schema public",
        "grant all on schema public to public", "create schema app", "create schema audit",
        "create table audit.log (id int)", "create extension dblink schema audit",
        "alter default privileges grant select on tables to pg_read_all_data",
        "create table schema_migrations (version varchar(128) primary key)",
        "insert into schema_migrations values ('1'), ('2')", "create schema own",
        "create table a (id int)", "create table app.b (i int)",
        "alter table a owner to pg_monitor", "grant usage on schema public to pg_monitor",
    )  # fmt: skip
    shown = succeed(project.migrate("adopt")).all
    assert "compared: default privileges, schema public, table app.b, table public.a." in shown
    assert "made extension dblink (added), schema audit (added), table audit.log (added): " in shown
    succeed(project.migrate("apply", "adopt.json"))
    assert "table audit.log (added)" in refused(project.migrate("drift", "--replay"), 4).out
    run(postgres_server, project, "revoke usage on schema public from pg_monitor")
    found = refused(project.migrate("drift", "--replay"), 4).out
    assert "schema public (changed)" in found
    assert "privileges of pg_monitor U" in found


def test_who_made_a_trigger_and_how_its_session_was_set_is_no_reason_to_refuse(
    family_server: Any, family_database: str, tmp_path: Path
) -> None:
    project = Project(tmp_path, family_server.url(family_database))
    project.configure("rehearsal: {url_env: TEST_URL}")
    trigger = "create%s trigger t before insert on a for each row set new.id = %d;"
    project.write("1_a.sql", f"create table a (id int); {trigger % ('', 1)}")
    run(
        family_server, project, "create table schema_migrations (version varchar(128))",
        "insert into schema_migrations values ('1')", "create table a (id int)",
        "set names utf8mb4 collate utf8mb4_unicode_ci", "set sql_mode = ''",
        trigger % (" definer = app@localhost", 1),
    )  # fmt: skip
    assert "not compared: trigger t." in succeed(project.migrate("adopt")).all
    run(family_server, project, "drop trigger t", trigger % ("", 2))
    refused(project.migrate("adopt"), 10, "trigger t (changed)", "set new.id = 2")
    project.close()


def test_the_other_tools_table_is_renamed_and_named_back(dbmate: Project, any_server: Any) -> None:
    dbmate.configure("rehearsal: {url_env: TEST_URL}")
    refused(dbmate.migrate("adopt", "--rename"), 64, "No other tool's history was taken over")
    adopt(dbmate)
    shown = succeed(dbmate.migrate("adopt", "--rename")).out
    assert "schema_migrations of dbmate is now schema_migrations_before_lockgate" in shown
    assert "schema_migrations" not in table_names(any_server, dbmate.database)
    refused(dbmate.migrate("adopt", "--rename"), 64, "schema_migrations is renamed, or gone")
    assert states(dbmate)["20240102"] == "out of order"
    assert succeed(dbmate.migrate("drift")).code == 0
    run(any_server, dbmate, "insert into schema_migrations_before_lockgate values ('20240104')")
    refused(dbmate.migrate("up"), 10, "dbmate has applied 20240104")
    run(
        any_server, dbmate,
        "delete from schema_migrations_before_lockgate where version = '20240104'",
        "create table schema_migrations (version varchar(128) primary key)",
    )  # fmt: skip
    for command in (["status"], ["adopt", "--undo"]):
        refused(dbmate.migrate(*command), 10, "dbmate has made its table schema_migrations again")
    run(any_server, dbmate, "drop table schema_migrations")
    succeed(dbmate.migrate("adopt", "--undo"))
    assert table_names(any_server, dbmate.database) == ["a", "c", "schema_migrations"]
    assert len(run(any_server, dbmate, "select version from schema_migrations")) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--undo", "--rename"], "gives the other tool's table its old name back by itself"),
        (["--undo", "--baseline", "1"], "`--undo` writes no plan, and takes no `--baseline`"),
        (["--rename", "-o", "adopt.json"], "`--rename` writes no plan, and takes no `--out`"),
        (["--rename", "--json"], "takes no `--json`"),
    ],
)
def test_what_follows_an_adoption_is_done_alone(
    dbmate: Project, given: list[str], words: str
) -> None:
    refused(dbmate.migrate("adopt", *given), 64, words)


class TestFlyway:
    @pytest.fixture
    def flyway(self, any_project: Project, any_server: Any) -> Project:
        """A database of Flyway: two versions by ann, with the checksums that it computes."""
        text = "create table shops (id int);\r\n"
        (any_project.migrations / "V1__shops.sql").write_bytes(text.encode())
        (any_project.migrations / "V2.1__more.sql").write_text("alter table shops add a int;\n")
        (any_project.migrations / "V3__next.sql").write_text("alter table shops add b int;\n")
        any_project.configure("migrations: {directory: migrations, format: flyway}")
        row = "insert into flyway_schema_history values (%d, %s, '%s', 'SQL', '%s', %s, 'ann', "
        row += "'2024-01-0%d 10:00:00', 5, %s)"
        run(
            any_server, any_project, FLYWAY,
            row % (1, "'1'", "shops", "V1__shops.sql", "2055862497", 1, "true"),
            row % (2, "'2.1'", "more", "V2.1__more.sql", "null", 2, "true"),
            "create table shops (id int, a int)",
        )  # fmt: skip
        return any_project

    def test_its_times_and_people_are_kept_and_its_checksums_hold(
        self, flyway: Project, any_server: Any
    ) -> None:
        import zlib

        crc = zlib.crc32(b"create table shops (id int);")
        signed = crc - (1 << 32) if crc >= 1 << 31 else crc
        sql = f"update flyway_schema_history set checksum = {signed} where installed_rank = 1"
        run(any_server, flyway, sql)
        plan = adopt(flyway)
        assert [step["record"] for step in plan["steps"]] == [
            {
                "why": "adopt",
                "applied_at": f"2024-01-0{day}T10:00:00Z",
                "by": "ann",
                "row": "",
                "reason": "",
            }
            for day in (1, 2)
        ]
        assert "by the checksum" in plan["steps"][0]["findings"][0]["why"]
        assert states(flyway) == {"1": "recorded", "2.1": "recorded", "3": "pending"}
        assert succeed(flyway.migrate("up")).out == "Applied 3 next.\n"

    def test_a_changed_file_is_refused(self, flyway: Project) -> None:
        refused(
            flyway.migrate("adopt"),
            10,
            "Changed since Flyway has applied them",
            "V1__shops",
            "`flyway repair`",
        )

    def test_a_failed_migration_is_refused_with_the_way_out(
        self, flyway: Project, any_server: Any
    ) -> None:
        sql = "update flyway_schema_history set success = false where installed_rank = 2"
        run(any_server, flyway, sql)
        refused(flyway.migrate("adopt"), 10, "V2.1__more.sql failed", "flyway repair")


def test_a_tool_of_code_is_taken_over_by_a_baseline(any_project: Project, any_server: Any) -> None:
    any_project.write_tables(3)
    theirs = "create table alembic_version (version_num varchar(32) primary key)"
    any_project.write("001_t1.sql", f"create table t1 (id int); {theirs};", "drop table t1;")
    any_project.configure("rehearsal: {url_env: TEST_URL}")
    run(
        any_server, any_project, theirs,
        "insert into alembic_version values ('ae1027a6acf')",
        "create table t1 (id int)", "create table t2 (id int)",
    )  # fmt: skip
    refused(any_project.migrate("adopt"), 10, "no file of the migrations directory is: ae1027a6acf")
    for version in ("9", "nonsense"):
        found = any_project.migrate("adopt", "--no-verify", "--baseline", version)
        refused(found, 64, f"No migration has version {version}.")
    adopt(any_project, "--verify", "--baseline", "2")
    assert states(any_project) == {"001": "recorded", "002": "recorded", "003": "pending"}
    succeed(any_project.migrate("drift"))
    succeed(any_project.migrate("up"))
    told = "No migration of Alembic makes them", "plan --forget 003 -o", "`migrate down --steps 1`"
    refused(any_project.migrate("adopt", "--undo"), 10, *told)
    run(any_server, any_project, "update alembic_version set version_num = 'b2'")
    refused(any_project.migrate("status"), 10, "Alembic has gone from ae1027a6acf to b2")


def test_golang_migrate_has_one_row_for_all(any_project: Project, any_server: Any) -> None:
    for number in (1, 2, 3):
        path = any_project.migrations / f"00000{number}_t.up.sql"
        path.write_text(f"create table t{number} (id int);\n")
        path.with_name(f"00000{number}_t.down.sql").write_text(f"drop table t{number};\n")
    any_project.configure("migrations: {directory: migrations, format: golang-migrate}")
    run(
        any_server, any_project,
        "create table schema_migrations (version bigint primary key, dirty boolean not null)",
        "insert into schema_migrations values (2, true)",
        "create table t1 (id int)", "create table t2 (id int)",
    )  # fmt: skip
    refused(any_project.migrate("adopt"), 10, "stopped in version 2 (dirty)")
    run(any_server, any_project, "update schema_migrations set dirty = false")
    adopt(any_project)
    succeed(any_project.migrate("up"))
    succeed(any_project.migrate("down", "--steps", "2"))
    refused(any_project.migrate("adopt", "--undo"), 10, "rolled back 000002", "URL force 1 ")
    assert "t1" in table_names(any_server, any_project.database)
