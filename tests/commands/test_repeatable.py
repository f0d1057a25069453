"""Repeatable migrations and `-- migrate:down nothing`, on the three servers, as a user."""

from pathlib import Path
from typing import Any

from tests.commands.running import Project, refused, succeed


def rows(project: Project, server: Any, sql: str) -> list[Any]:
    """What a query answers on the project's database."""
    with server.connect(project.database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def write_view(project: Project, columns: str) -> None:
    sql = f"create or replace view v as select {columns} from t;"
    (project.migrations / "R__v.sql").write_text(f"-- migrate:requires 1\n-- migrate:up\n{sql}\n")


def history(project: Project, server: Any) -> dict[str, str]:
    """The checksum of each version in the history."""
    sql = "select version, checksum from schema_migrations order by 1"
    return dict(rows(project, server, sql))


def test_a_repeatable_migration_runs_again_when_it_changes(
    any_project: Project, any_server: Any
) -> None:
    any_project.write("001_t.sql", "create table t (id int);", "drop table t;")
    write_view(any_project, "id")
    succeed(any_project.migrate("up"))
    first = history(any_project, any_server)
    assert list(first) == ["001", "R__v"]
    assert "to repeat" not in succeed(any_project.migrate("status")).out

    write_view(any_project, "id, 1 as one")
    any_project.write("002_u.sql", "create table u (id int);", "drop table u;")
    assert "1 to repeat" in succeed(any_project.migrate("status")).out
    plan = succeed(any_project.migrate("plan", "-o", "plan.json"))
    assert [line.split()[3] for line in plan.out.splitlines() if "+ up" in line] == ["002", "R__v"]
    succeed(any_project.migrate("apply", "plan.json"))
    succeed(any_project.migrate("apply", "plan.json"))  # applied: nothing is left to do
    second = history(any_project, any_server)
    assert list(second) == ["001", "002", "R__v"]
    assert first["R__v"] != second["R__v"]
    assert rows(any_project, any_server, "select one from v") == []
    assert "R__v" not in succeed(any_project.migrate("up")).all


def test_what_a_repeatable_migration_requires_makes_it_run_again(any_project: Project) -> None:
    any_project.write("001_t.sql", "create table t (id int);", "drop table t;")
    write_view(any_project, "id")
    (any_project.migrations / "above.sql").write_text(
        "-- migrate:repeatable\n-- migrate:requires R__v\n-- migrate:up\n"
        "create or replace view w as select * from v;\n"
    )
    succeed(any_project.migrate("up"))
    write_view(any_project, "id, 1 as one")
    done = succeed(any_project.migrate("up")).all
    assert done.index("R__v") < done.index("R__above")


def test_one_that_has_no_file_any_more_is_reported(any_project: Project) -> None:
    any_project.write("001_t.sql", "create table t (id int);", "drop table t;")
    write_view(any_project, "id")
    succeed(any_project.migrate("up"))
    (any_project.migrations / "R__v.sql").unlink()
    any_project.write("002_u.sql", "create table u (id int);", "drop table u;")
    assert "R__v has run, and has no file any more" in succeed(any_project.migrate("plan")).all
    assert "removed" in succeed(any_project.migrate("status")).out


def test_a_rollback_leaves_it_and_it_runs_again_afterwards(any_project: Project) -> None:
    any_project.write("001_t.sql", "create table t (id int);", "drop table t;")
    any_project.write("002_u.sql", "create table u (id int);", "drop table u;")
    (any_project.migrations / "R__v.sql").write_text(
        "-- migrate:requires 2\n-- migrate:up\ncreate or replace view v as select id from t;\n"
    )
    succeed(any_project.migrate("up"))
    stored = succeed(any_project.migrate("plan", "--down", "1", "--from-database"))
    assert "- down" in stored.out
    assert "R__v" not in stored.out
    down = succeed(any_project.migrate("down"))
    assert "R__v.sql requires 2, which is rolled back" in down.all
    assert "R__v" in succeed(any_project.migrate("up")).all


def test_down_nothing_lets_a_rollback_pass(any_project: Project, any_server: Any) -> None:
    any_project.write("001_t.sql", "create table t (id int);", "drop table t;")
    (any_project.migrations / "002_rows.sql").write_text(
        "-- migrate:up\ninsert into t values (1);\n-- migrate:down nothing\n"
    )
    succeed(any_project.migrate("up"))
    succeed(any_project.migrate("down", "--to", "0"))
    assert rows(any_project, any_server, "select version from schema_migrations") == []
    succeed(any_project.migrate("up"))
    succeed(any_project.migrate("plan", "--down", "2", "--from-database"))


def test_mistakes_with_both_are_refused(tmp_path: Path) -> None:
    files = Project(tmp_path, "postgresql://u@127.0.0.1:1/none")
    (files.migrations / "001_a.sql").write_text(
        "-- migrate:up\nselect 1;\n-- migrate:down nothing\nselect 2;\n"
    )
    (files.migrations / "R__b.sql").write_text(
        "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n"
    )
    (files.migrations / "003_c.sql").write_text("-- migrate:repeatable\n-- migrate:up\nselect 1;\n")
    refused(
        files.migrate("validate"), 64,
        "001_a.sql:4: SQL under `-- migrate:down nothing`",
        "R__b.sql:3: a repeatable migration has no `-- migrate:down`",
        "003_c.sql: `-- migrate:repeatable` in a file whose name begins with a version",
        "3 mistakes in migrations.",
    )  # fmt: skip
