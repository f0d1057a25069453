"""`--dry-run` and `show --format sql`: SQL for a person and for psql or the mysql client."""

import re
import subprocess
from typing import Any

import pytest

from tests.commands.blocking import table_names
from tests.commands.running import OWN_TABLES, Project, refused, succeed

WRITE = re.compile(
    r"\s*(create|alter|drop|insert|update|delete|truncate|copy|grant|lock|select get_lock"
    r"|select pg_(try_)?advisory_lock)\b",
    re.IGNORECASE,
)


def write_shop(project: Project) -> None:
    """Migrations that a client can misread: bodies, comments at the end, COPY, delimiters."""
    project.configure("policy: {non_atomic: allow}\n")
    project.write(
        "001_tables.sql",
        "create table items (id int primary key, name varchar(99)) -- a note\n;\n"
        "insert into items values (1, 'a;b'), (2, 'c -- d');\n"
        "create table totals (n int) /* ; */;",
        "drop table totals;\ndrop table items;",
    )
    if project.engine == "postgresql":
        project.write(
            "002_body.sql",
            "create function twice(n int) returns int language plpgsql as $$\n"
            "begin return n * 2; end $$;\ncopy items from stdin;\n3\tx\\ty\n4\t\\N\n\\.\n"
            "copy totals from stdin;\n\\.",
            "drop function twice;\ndelete from items where id > 2;",
        )
        project.write("003_index.sql", "create index concurrently by_name on items (name);",
                      "drop index concurrently by_name;", flags=" transaction:false")  # fmt: skip
        return
    project.write(
        "002_body.sql",
        "create trigger counting after insert on items for each row begin\n"
        "  insert into totals values (length('$$ //'));\n  insert into totals values (2);\nend;\n"
        "insert into items values (3, 'x') # the last\n;",
        "delete from items where id > 2;\ndrop trigger counting;",
    )


def run_client(server: Any, database: str, sql: str) -> None:
    argv = server.client_argv(database)
    done = subprocess.run(argv, input=sql, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stderr, sql)


def without_ledger(server: Any, database: str) -> str:
    """The dump of a database after lockgate's own tables are dropped."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        for table in table_names(server, database):
            if table in OWN_TABLES:
                cursor.execute(f"drop table {table}")
    return str(server.dump(database))


def test_a_client_can_run_what_a_dry_run_prints(any_project: Project, any_server: Any) -> None:
    write_shop(any_project)
    printed = succeed(any_project.migrate("up", "--dry-run"))
    assert re.search(r"Dry run: \d migrations would run; nothing was changed.", printed.err)
    other = any_server.new_database()
    try:
        run_client(any_server, other, printed.out)
        succeed(any_project.migrate("up"))
        back = succeed(any_project.migrate("down", "--to", "0", "--dry-run")).out
        assert without_ledger(any_server, other) == without_ledger(any_server, any_project.database)
        run_client(any_server, other, back)
        assert table_names(any_server, other) == []
    finally:
        any_server.drop_database(other)


def test_show_prints_the_same_sql_as_a_dry_run(any_project: Project) -> None:
    write_shop(any_project)
    succeed(any_project.migrate("plan"))
    shown = succeed(any_project.migrate("show", "plan.json", "--format", "sql")).out
    assert shown == succeed(any_project.migrate("apply", "plan.json", "--dry-run")).out


def test_a_dry_run_changes_nothing(any_project: Project, any_server: Any) -> None:
    write_shop(any_project)
    any_project.write("009_last.sql", "create table last (id int);", "drop table last;")
    succeed(any_project.migrate("up", "--to", "2"))
    succeed(any_project.migrate("plan"))
    before = any_server.dump(any_project.database)
    mark = any_server.log_mark()
    for arguments in (["up"], ["apply", "plan.json"], ["down"], ["down", "--to", "0"]):
        assert "migration" in succeed(any_project.migrate(*arguments, "--dry-run")).err
    succeed(any_project.migrate("plan", "-o", "other.json"))
    succeed(any_project.migrate("status"))
    statements = any_server.statements_since(mark, any_project.database)
    assert statements
    assert not [statement for statement in statements if WRITE.match(statement)]
    assert any_server.dump(any_project.database) == before


def test_a_dry_run_refuses_what_apply_would_refuse(project: Project) -> None:
    project.write_tables(2)
    succeed(project.migrate("plan", "--to", "1"))
    succeed(project.migrate("up"))
    refused(project.migrate("apply", "plan.json", "--dry-run"), 4, "serial")
    result = succeed(project.migrate("up", "--dry-run"))
    assert (result.out, result.err) == (
        "", "Dry run: 0 migrations would run; nothing was changed.\n",
    )  # fmt: skip
    refused(project.migrate("up", "--dry-run", "--json"), 64, "--dry-run and --json")


def test_a_dry_run_is_allowed_where_a_reviewed_plan_is_wanted(project: Project) -> None:
    project.write_tables(1)
    project.configure("policy: {require_plan: true}\n")
    assert "create table t1" in succeed(project.migrate("up", "--dry-run")).out


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_verbose_shows_each_statement_its_rows_and_its_time(
    request: pytest.FixtureRequest, engine: str
) -> None:
    fixture = "project" if engine == "postgresql" else "mysql_project"
    project: Project = request.getfixturevalue(fixture)
    project.write("001_t.sql", "create table t (id int);\ninsert into t values (1), (2);\n"
                  "delete from t\n  where id = 1;\nselect " + "1 + " * 60 + "1;")  # fmt: skip
    lines = succeed(project.migrate("up", "-v")).err.splitlines()
    duration = r"\d+ ms|\d+\.\d s"
    patterns = [
        rf"    create table t \(id int\)  \(0 rows, ({duration})\)",
        rf"    insert into t values \(1\), \(2\)  \(2 rows, ({duration})\)",
        rf"    delete from t where id = 1  \(1 row, ({duration})\)",
        rf"    select 1 .{{90,99}}…  \(1 row, ({duration})\)",
        rf"\+ 1/1 001 t  ({duration})",
    ]
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line


def test_a_dry_run_tells_which_statements_of_an_interrupted_run_are_done(project: Project) -> None:
    project.configure("policy: {non_atomic: allow}\n")
    project.write("001_x.sql", "create table a (id int);\nselect * from nowhere;",
                  flags=" transaction:false")  # fmt: skip
    succeed(project.migrate("plan"))
    refused(project.migrate("apply", "plan.json"), 7, "half done")
    told = succeed(project.migrate("apply", "plan.json", "--dry-run")).err
    done = "has done statement 1 of step 1, not to be run again."
    assert told == (
        f"An interrupted run of this plan {done}\n"
        "Dry run: 1 migration would run; nothing was changed.\n"
    )
