"""`migrate adopt` once more, and what was taken over with holes."""

from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.commands.test_adopt import adopt, dbmate, run, states

__all__ = ["dbmate"]


def test_what_was_rolled_back_here_is_nothing_new(dbmate: Project, any_server: Any) -> None:
    adopt(dbmate)
    succeed(dbmate.migrate("down"))
    assert states(dbmate)["20240103"] == "pending"
    told = "has nothing that ours has not, but for what was rolled back here since."
    refused(dbmate.migrate("adopt", "--no-verify"), 64, told)
    run(any_server, dbmate, "insert into schema_migrations values ('20240102')")
    plan = adopt(dbmate)
    assert [step["version"] for step in plan["steps"]] == ["20240102"]
    assert states(dbmate)["20240103"] == "pending"


@pytest.mark.parametrize("by", ["adopt", "record"])
def test_what_fills_a_hole_is_recorded_and_not_late(
    dbmate: Project, any_server: Any, by: str
) -> None:
    adopt(dbmate)
    run(any_server, dbmate, "create table b (id int)")
    if by == "adopt":
        run(any_server, dbmate, "insert into schema_migrations values ('20240102')")
        refused(dbmate.migrate("status"), 10, "has applied 20240102", "with `migrate adopt`")
        adopt(dbmate)
    else:
        succeed(dbmate.migrate("plan", "--record", "20240102"))
        succeed(dbmate.migrate("apply", "plan.json"))
    assert set(states(dbmate).values()) == {"recorded"}


def test_a_hole_that_a_later_one_requires_stays_a_hole(dbmate: Project) -> None:
    last = dbmate.migrations / "20240103_c.sql"
    last.write_text(f"-- migrate:requires 20240102\n{last.read_text()}")
    adopt(dbmate)
    assert states(dbmate)["20240102"] == "out of order"
    dbmate.configure("policy: {out_of_order: warn}")
    assert "Applied 20240102 b." in succeed(dbmate.migrate("up")).out


@pytest.fixture
def alembic(any_project: Project, any_server: Any) -> Project:
    """A database of Alembic, taken over up to 002."""
    any_project.write_tables(3)
    run(
        any_server, any_project,
        "create table alembic_version (version_num varchar(32) primary key)",
        "insert into alembic_version values ('a1')",
        "create table t1 (id int)", "create table t2 (id int)",
    )  # fmt: skip
    adopt(any_project, "--baseline", "002")
    return any_project


def test_what_a_tool_of_code_says_of_what_we_have_is_noted(
    alembic: Project, any_server: Any
) -> None:
    """`alembic stamp` after a run here; `alembic downgrade`, when 003 is out of our history."""
    succeed(alembic.migrate("up"))
    for head, last in (("b2", "003"), ("a1", "002")):
        if head == "a1":
            succeed(alembic.migrate("plan", "--forget", "003"))
            succeed(alembic.migrate("apply", "plan.json"))
        run(any_server, alembic, f"update alembic_version set version_num = '{head}'")
        for command in ("status", "plan", "up", "down"):
            refused(alembic.migrate(command), 10, "--baseline VERSION")
        shown = succeed(alembic.migrate("adopt", "--no-verify", "--baseline", last)).all
        assert "Note what Alembic says by now, and change no history." in shown
        assert f"what Alembic has applied is taken for all up to {last}: {head}." in shown
        assert "migrate apply adopt.json" in shown
        applied = succeed(alembic.migrate("apply", "adopt.json")).out
        assert applied == "Noted what Alembic says by now; the history is as it was.\n"
        assert "already applied" in succeed(alembic.migrate("apply", "adopt.json")).out
        assert states(alembic)["003"] == ("applied" if head == "b2" else "pending")
        refused(alembic.migrate("adopt", "--no-verify", "--baseline", last), 64, "Nothing to take")
    assert "record" in succeed(alembic.migrate("history")).out


def test_a_migration_that_writes_what_is_watched_is_told(alembic: Project) -> None:
    """As the output of `alembic upgrade --sql` does."""
    sql = "create table t3 (id int); update alembic_version set version_num = 'b2';"
    alembic.write("003_t3.sql", sql, "drop table t3;")
    told = "003_t3.sql changes alembic_version, the history of Alembic, which is watched"
    assert told in succeed(alembic.migrate("plan")).all
    assert told in succeed(alembic.migrate("up")).all
    refused(alembic.migrate("status"), 10, "Alembic has gone from a1 to b2")


def test_a_baseline_that_makes_nothing_is_told(alembic: Project, any_server: Any) -> None:
    alembic.write("003_t3.sql", "", "drop table t3;")
    alembic.write("004_t4.sql", "create table t4 (id int);")
    shown = succeed(alembic.migrate("adopt", "--no-verify", "--baseline", "004")).all
    assert "No statement is in 003_t3.sql: another database would get nothing by it." in shown
    if any_server.engine == "postgresql":
        refused(alembic.migrate("adopt", "--baseline", "004"), 10, "or name another --baseline")


def test_a_note_is_stale_when_the_tool_has_gone_on(alembic: Project, any_server: Any) -> None:
    run(any_server, alembic, "update alembic_version set version_num = 'b2'")
    succeed(alembic.migrate("adopt", "--no-verify", "--baseline", "002"))
    run(any_server, alembic, "update alembic_version set version_num = 'c3'")
    refused(alembic.migrate("apply", "adopt.json"), 4, "Alembic has applied or rolled back")
    refused(alembic.migrate("status"), 10, "Alembic has gone from a1 to c3 since lockgate")
    run(any_server, alembic, "delete from alembic_version")
    refused(alembic.migrate("status"), 10, "Alembic has rolled back a1 since", "--forget VERSION")


def test_what_came_and_what_went_are_told_together(dbmate: Project, any_server: Any) -> None:
    adopt(dbmate)
    run(
        any_server, dbmate, "delete from schema_migrations where version = '20240103'",
        "insert into schema_migrations values ('20240102')",
    )  # fmt: skip
    told = "dbmate has applied 20240102 and rolled back 20240103 since"
    refused(dbmate.migrate("up"), 10, told, "`migrate plan --forget 20240103`", "`migrate adopt`")
    succeed(dbmate.migrate("plan", "--forget", "20240103"))
    succeed(dbmate.migrate("apply", "plan.json"))
    adopt(dbmate)
    assert states(dbmate) == {
        "20240101": "recorded", "20240102": "recorded", "20240103": "pending",
    }  # fmt: skip


def test_a_table_with_a_name_of_its_users_is_taken_over_and_watched(
    dbmate: Project, any_server: Any
) -> None:
    run(any_server, dbmate, "alter table schema_migrations rename to our_changes")
    refused(dbmate.migrate("adopt"), 64, "`migrate adopt --from TOOL --table NAME`")
    refused(dbmate.migrate("adopt", "--table", "our_changes"), 64, "Add `--from TOOL`.")
    gone = dbmate.migrate("adopt", "--from", "dbmate", "--table", "changes")
    refused(gone, 64, "There is no table changes with the columns of dbmate's history here.")
    plan = adopt(dbmate, "--from", "dbmate", "--table", "our_changes")
    assert plan["adopted"]["table"] == "our_changes"
    run(any_server, dbmate, "insert into our_changes values ('20240102')")
    refused(dbmate.migrate("up"), 10, "dbmate has applied 20240102", "with `migrate adopt`")
    adopt(dbmate)
    assert set(states(dbmate).values()) == {"recorded"}


def test_a_changeset_that_the_environment_leaves_out_is_told(
    any_project: Project, any_server: Any
) -> None:
    (any_project.migrations / "changelog.sql").write_text(
        "--liquibase formatted sql\n--changeset ann:1 labels:old\ncreate table a (id int);\n"
    )
    any_project.configure("migrations: {directory: migrations, format: liquibase, labels: new}")
    run(
        any_server, any_project, "create table a (id int)",
        "create table databasechangelog (id varchar(99), author varchar(99), "
        "filename varchar(99), dateexecuted timestamp, orderexecuted int, exectype varchar(10), "
        "md5sum varchar(35), description varchar(255))",
        "insert into databasechangelog values ('1', 'ann', 'changelog.sql', "
        "'2024-01-01 10:00:00', 1, 'EXECUTED', null, '')",
    )  # fmt: skip
    refused(any_project.migrate("adopt"), 10, "is: changelog.sql::1::ann", "contexts or labels")
    any_project.configure("migrations: {directory: migrations, format: liquibase, labels: old}")
    adopt(any_project)
    assert states(any_project) == {"changelog.sql::1::ann": "recorded"}
