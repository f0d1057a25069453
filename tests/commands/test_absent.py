"""What IF EXISTS names and is not there: nothing is lost, locked or half done with it."""

import json
from typing import Any

from tests.commands.running import Project, refused, succeed

STRICT = "policy: {destructive: deny, findings: deny, non_atomic: deny}\n"


def run(server: Any, database: str, *texts: str) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        for sql in texts:
            cursor.execute(sql)


def read(project: Project) -> Any:
    return json.loads((project.folder / "plan.json").read_text())


def test_a_plan_says_nothing_of_it_until_it_is_there(
    any_project: Project, any_server: Any, any_database: str
) -> None:
    any_project.configure(STRICT)
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    any_project.write("002_a.sql", "drop table if exists gone;\ncreate table t (id int);")
    shown = succeed(any_project.migrate("plan", "-o", "plan.json")).out
    assert "line 2: there is no table gone, so nothing is done" in shown
    assert "- table gone" not in shown
    (dropped, _) = read(any_project)["steps"][0]["statements"]
    assert (dropped["loses"], dropped["touches"]) == ([], [])
    assert [one["name"] for one in dropped["reading"]["absent"]] == ["gone"]
    run(any_server, any_database, "create table gone (id int)")
    stale = refused(any_project.migrate("apply", "plan.json"), 4)
    assert "The table gone was not there when the plan was made" in stale.all
    denied = refused(any_project.migrate("plan", "-o", "again.json"), 3)
    assert "the table gone" in denied.all
    run(any_server, any_database, "drop table gone")
    succeed(any_project.migrate("apply", "plan.json"))


def test_an_index_that_is_not_there_makes_nothing_half_done(
    project: Project, postgres_server: Any
) -> None:
    project.configure(STRICT)
    project.write("001_t.sql", "create table t (id int);")
    succeed(project.migrate("up"))
    again = "drop index concurrently if exists i;\ncreate unique index concurrently i on t (id);"
    project.write("002_i.sql", again, flags=" transaction:false")
    succeed(project.migrate("plan", "-o", "plan.json"))
    assert read(project)["verdict"].startswith("ATOMIC BY COMPENSATION")
    run(postgres_server, project.database, "insert into t values (1), (1)")
    failed = refused(project.migrate("apply", "plan.json"), 9)
    assert "the database is as it was before" in failed.all
    run(postgres_server, project.database, "truncate t")
    succeed(project.migrate("apply", "plan.json"))
    with postgres_server.connect(project.database) as connection:
        valid = "select indisvalid from pg_index where indexrelid = 'i'::regclass"
        assert connection.execute(valid).fetchall() == [(True,)]


def test_it_is_not_dropped_when_a_later_statement_has_made_it(
    project: Project, postgres_server: Any
) -> None:
    project.write("001_t.sql", "create table t (id int);\ninsert into t values (1), (1);")
    project.write(
        "002_i.sql",
        "drop index concurrently if exists i;\ncreate index concurrently i on t (id);\n"
        "create unique index concurrently j on t (id);",
        flags=" transaction:false",
    )
    succeed(project.migrate("plan", "-o", "plan.json", "--allow-non-atomic"))
    half = refused(project.migrate("apply", "plan.json", "--allow-non-atomic"), 7).all
    assert "these are done and kept: 2; not done: 3" in half
    with postgres_server.connect(project.database) as connection:
        connection.autocommit = True
        made = connection.execute("select 'i'::regclass::oid").fetchall()
        connection.execute("truncate t")
        succeed(project.migrate("apply", "plan.json", "--allow-non-atomic"))
        assert connection.execute("select 'i'::regclass::oid").fetchall() == made
