"""A refused statement: where it stands, what the server said, and what to do."""

import pytest

from tests.commands.running import Project, refused, succeed


def test_on_postgresql_with_a_caret_and_all_that_the_server_said(project: Project) -> None:
    project.write("001_bad.sql", "create table t (id int);\n\nselect t.id,\n       t.idd from t;")
    result = refused(project.migrate("up"), 9)
    assert result.err.startswith(
        "Error: Step 1 of 1 failed: 001_bad.sql:5:8: column t.idd does not exist (42703)\n"
        "\n"
        "      4 | select t.id,\n"
        "      5 |        t.idd from t\n"
        "        |        ^\n"
        "\n"
        'Hint: Perhaps you meant to reference the column "t.id".\n'
        "All that this plan had done was undone; the database is as it was before.\n"
    )
    assert result.err.endswith("make a new plan.\n")
    assert result.out == ""


def test_the_caret_stands_below_its_column_after_tabs_and_wide_letters(project: Project) -> None:
    project.write("001_bad.sql", "select\n\t\t'ü', nowhere;")
    lines = refused(project.migrate("up"), 9, "001_bad.sql:3:8").err.splitlines()
    place = lines.index("      3 | \t\t'ü', nowhere")
    assert lines[place + 1] == "        | \t\t     ^"


def test_what_no_rollback_takes_back_is_told_when_it_had_run(project: Project) -> None:
    project.write("001_t.sql", "create table t (id serial primary key);")
    succeed(project.migrate("up"))
    set_back = "select setval('t_id_seq', 7);"
    project.write("002_bad.sql", f"{set_back}\nselect nowhere;")
    refused(
        project.migrate("up"), 9, "All that this plan had done was undone. No ROLLBACK takes back "
        "that 002_bad.sql:2 sets the sequence t_id_seq by setval.\n",
    )  # fmt: skip
    assert "7\n" in project.migrate("shell", "-c", "select last_value from t_id_seq").out
    project.write("002_bad.sql", f"select nowhere;\n{set_back}")
    refused(project.migrate("up"), 9, "was undone; the database is as it was before.\n")


def test_a_detail_is_shown(project: Project) -> None:
    project.write("001_dup.sql", "create table t (id int primary key);\n"
                  "insert into t values (1);\ninsert into t values (1);")  # fmt: skip
    refused(project.migrate("up"), 9, "001_dup.sql:4", "(23505)",
            "Detail: Key (id)=(1) already exists.",
            "      4 | insert into t values (1)\n")  # fmt: skip


def test_where_inside_a_function_the_error_arose_is_shown(project: Project) -> None:
    project.write("001_do.sql", "do $$ begin\n  perform 1 / 0;\nend $$;")
    refused(project.migrate("up"), 9, "division by zero (22012)", "line 2 at PERFORM")


def test_a_long_statement_is_cut_around_the_place(project: Project) -> None:
    rows = ",\n".join(f"({number})" for number in range(2000))
    project.write("001_long.sql", f"create table t (id int);\ninsert into t values\n{rows},\n(x);")
    result = refused(project.migrate("up"), 9, "001_long.sql:2004", "| (x)\n", "(1999)")
    assert len(result.err.splitlines()) < 40


@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_on_mysql_by_the_line_that_the_server_names(
    request: pytest.FixtureRequest, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = Project(tmp_path_factory.mktemp(kind), request.getfixturevalue(f"{kind}_url"))
    project.write("001_bad.sql", "create table t (\n  id int,\n  nam varchar(3) non sense\n);")
    for command in ("plan", "up"):
        result = refused(project.migrate(command), 64, "(1064)", "nothing was run")
        # MariaDB takes `non` for an attribute of its own.
        assert f"001_bad.sql:4:{22 if kind == 'mariadb' else 18}: " in result.err
    project.write(
        "001_bad.sql", "create table t (\n  id int\n);\ninsert into t\n values (null, 1);"
    )
    refused(project.migrate("up"), 9, "Error: Step 1 of 1 failed: 001_bad.sql:5", "(1136)",
            "      5 | insert into t\n", "was undone", "make a new plan")  # fmt: skip


def test_a_broken_file_is_told_with_its_place_before_anything_runs(project: Project) -> None:
    project.write("001_open.sql", "select 1;\nselect 'open;")
    for arguments in (["up"], ["plan"], ["validate"]):
        result = refused(project.migrate(*arguments), 64, "Error: 001_open.sql:3")
        assert result.err.count("001_open.sql") == 1


def test_a_syntax_error_is_told_with_its_place_before_anything_runs(project: Project) -> None:
    project.write("001_typo.sql", "select 1;\ncreate tabel x (a int);")
    for arguments in (["up"], ["plan"], ["validate"], ["lint"]):
        refused(project.migrate(*arguments), 64, "001_typo.sql:3:8: syntax error at or near")


def test_an_error_is_not_told_twice(project: Project) -> None:
    project.write("001_bad.sql", "select nonsense;")
    result = refused(project.migrate("up"), 9)
    lines = [line for line in result.err.splitlines() if line.strip()]
    assert len(lines) == len(set(lines))


COMMITTING = "create procedure p() language plpgsql as $$ begin commit; end $$"


@pytest.mark.parametrize("sql", ["call p()", "do $$ begin call p(); end $$"])
def test_a_procedure_that_commits_is_told_before_and_after_it_fails(
    project: Project, sql: str
) -> None:
    project.write("001_p.sql", f"{COMMITTING};")
    project.write("002_call.sql", f"{sql};")
    planned = project.migrate("plan")
    assert planned.code in (0, 2), planned
    assert "may run a procedure that commits" in planned.all
    failed = refused(project.migrate("up"), 9, "002_call.sql:2", "(2D000)", "`transaction:false`")
    assert "Remove the cause" not in failed.err
    project.write("002_call.sql", f"{sql};", flags=" transaction:false")
    result = project.migrate("up", "--allow-non-atomic")
    assert result.code == 0, result


def test_a_function_whose_procedure_commits_fails_everywhere_and_says_so(project: Project) -> None:
    project.write("001_p.sql", f"{COMMITTING};\ncreate function f() returns void language plpgsql "
                  "as $$ begin call p(); end $$;")  # fmt: skip
    assert project.migrate("up").code == 0
    project.write("002_call.sql", "select f();")
    refused(project.migrate("up"), 9, "(2D000)", "no function can run a procedure that commits")


@pytest.mark.parametrize("arguments", [["up"], ["up", "-v"], ["up", "--json"]])
def test_a_password_in_a_statement_is_not_printed(project: Project, arguments: list[str]) -> None:
    inner = "execute 'alter role nowhere password ''hunter2'''"
    for sql in (f"do $$ begin {inner}; end $$", "alter role nowhere\n  password 'hunter2'"):
        project.write("001_role.sql", f"{sql};")
        assert "hunter2" not in refused(project.migrate(*arguments), 9, "nowhere").all


@pytest.mark.parametrize(
    "sql",
    [
        "create usr a identified by 'hunter2'",
        'create usr a identified by "hunter2"',
        "create user a identified by 'hunter2' oops",
        "alter user a password 'hunter2' oops",
        "alter role a password 'x' 'hunter2'",
        "create usr a identified by 'hunter2",
    ],
)
def test_a_password_is_not_in_what_the_server_repeats_of_a_typo(
    any_project: Project, sql: str
) -> None:
    """MySQL's and MariaDB's error 1064 repeats the statement from where it was not understood."""
    any_project.write("001_role.sql", f"{sql};")
    for arguments in (["plan"], ["plan", "--json"], ["up", "-v"], ["up", "--json"], ["lint"]):
        assert "hunter2" not in any_project.migrate(*arguments).all
