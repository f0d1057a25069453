"""`new`, `validate` and completion: commands that need files and no database."""

import os
import re
from pathlib import Path

import pytest

from tests.commands.running import Project, refused, succeed


@pytest.fixture
def files(tmp_path: Path) -> Project:
    """A project whose database cannot be reached."""
    return Project(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing")


def new(project: Project, *arguments: str) -> str:
    """The name of the file that `new` made; it printed its path, and that alone."""
    result = succeed(project.migrate("new", *arguments))
    path = project.folder / result.out.removesuffix("\n")
    assert path.parent == project.migrations
    assert path.read_text() == "-- migrate:up\n\n\n-- migrate:down\n\n"
    assert result.err == ""
    return path.name


def test_new_goes_on_numbering(files: Project) -> None:
    assert new(files, "Create users") == "001_create_users.sql"
    assert new(files, "add e-mail!") == "002_add_e_mail.sql"
    files.write("0009_wide.sql", "select 1;")
    assert new(files, "after") == "0010_after.sql"
    files.write("20261122093000_time.sql", "select 1;")
    assert re.fullmatch(r"20\d{12}_timed\.sql", new(files, "timed"))


def test_new_prints_a_path_below_the_current_folder_from_there(
    files: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert succeed(files.migrate("new", "one")).out == "migrations/001_one.sql\n"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    named = ("--environments", str(files.folder / "environments"))
    made = succeed(files.migrate("new", "two", *named, folder=elsewhere))
    assert made.out == f"{files.migrations / '002_two.sql'}\n"


def test_new_versions_by_the_time_when_asked(files: Project) -> None:
    first, second = new(files, "a", "--timestamp"), new(files, "b", "--timestamp")
    assert re.fullmatch(r"20\d{12}_a\.sql", first)
    assert int(second.split("_")[0]) > int(first.split("_")[0])


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Ünï côdé", "001_ünï_côdé.sql"),
        ("../../etc/passwd", "001_etc_passwd.sql"),
        ("a\nb\x1b[31m", "001_a_b_31m.sql"),
        ("'; drop table x; --", "001_drop_table_x.sql"),
        ("  many   spaces ", "001_many_spaces.sql"),
        ("日本", "001_日本.sql"),
    ],
)
def test_new_makes_a_file_name_of_any_title(files: Project, title: str, name: str) -> None:
    assert new(files, title) == name


@pytest.mark.parametrize("title", ["", "///", "!?"])
def test_new_refuses_a_title_that_leaves_no_name(files: Project, title: str) -> None:
    refused(files.migrate("new", title), 64, "leaves no name", "letters or digits")
    assert not list(files.migrations.iterdir())


def test_new_refuses_a_title_that_is_too_long(files: Project) -> None:
    refused(files.migrate("new", "x" * 300), 64, "too long")


def test_new_makes_the_folder(files: Project) -> None:
    files.migrations.rmdir()
    assert new(files, "first") == "001_first.sql"


def test_new_says_why_it_cannot_write(files: Project) -> None:
    files.configure("migrations: environments/test.yaml/sub\n")
    refused(files.migrate("new", "x"), 64, "cannot be written", "Not a directory")


def test_validate_says_how_many_files_are_valid(files: Project) -> None:
    files.write_tables(1)
    assert succeed(files.migrate("validate")).out == "1 migration is valid for postgresql.\n"
    files.write_tables(3)
    assert succeed(files.migrate("validate")).out == "3 migrations are valid for postgresql.\n"


def test_validate_lists_every_broken_file(files: Project) -> None:
    files.write_tables(1)
    files.write("002_open.sql", "select 'never closed;")
    (files.migrations / "003_no_marker.sql").write_text("create table t (id int);\n")
    files.write("004_begin.sql", "select 1;\nbegin;")
    (files.migrations / "006.sql").write_text("")
    (files.migrations / "005_bytes.sql").write_bytes(b"-- migrate:up\nselect '\xff';\n")
    result = files.migrate("validate")
    refused(result, 64, "002_open.sql:2", "003_no_marker.sql:1", "004_begin.sql:3",
            "006.sql", "005_bytes.sql", "5 mistakes in migrations.")  # fmt: skip
    assert result.err.count("Error: ") == 5
    assert "001_t1" not in result.all


def test_validate_tells_what_is_wrong_with_the_set(files: Project) -> None:
    files.write_tables(2)
    files.write("2_again.sql", "select 1;")
    refused(files.migrate("validate"), 64, "002_t2.sql and 2_again.sql both have version 2")


def test_validate_warns_of_a_gap(files: Project) -> None:
    files.write_tables(1)
    files.write_tables(1, first=4)
    assert "No migration between 1 and 4" in succeed(files.migrate("validate")).err


def test_a_shell_gets_a_completion_script(files: Project) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = files.migrate(environ={"_MIGRATE_COMPLETE": f"{shell}_source"})
        assert "_MIGRATE_COMPLETE" in succeed(script).out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("migrate st", ["state", "status"]),
        ("migrate status -e ", ["test", "staging"]),
        ("migrate up --environment s", ["staging"]),
        ("migrate up --dr", ["--dry-run"]),
    ],
)
def test_commands_options_and_environments_complete(
    files: Project, words: str, expected: list[str]
) -> None:
    files.write_environment("staging", "extends: test\ndatabase: {url_env: X}\n")
    environ = {"_MIGRATE_COMPLETE": "bash_complete", "COMP_WORDS": words,
               "COMP_CWORD": str(words.count(" "))}  # fmt: skip
    result = files.migrate(environ=environ)
    found = {line.partition(",")[2] for line in result.out.splitlines()}
    assert found == set(expected), result


def test_an_unknown_environment_is_named_with_the_nearest(files: Project) -> None:
    refused(files.migrate("status", "-e", "tets"), 64, "no environment tets", "Did you mean test?")


def test_without_environments_it_says_how_to_begin(files: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-empty"
    elsewhere.mkdir()
    refused(
        files.migrate("status", folder=elsewhere), 64,
        "environments/", "database: embedded", "--environments DIR",
    )  # fmt: skip


def test_the_words_of_other_tools_are_understood(files: Project) -> None:
    assert succeed(files.migrate("version")).out == succeed(files.migrate("--version")).out
    assert succeed(files.migrate("help")).out == succeed(files.migrate("--help")).out
    assert succeed(files.migrate("help", "up")).out == succeed(files.migrate("up", "--help")).out
    assert succeed(files.migrate("rollback", "--help")).out.startswith("Usage: migrate down")


@pytest.mark.parametrize("word", ["repair", "frobnicate"])
def test_a_word_that_is_near_to_no_command_suggests_none(files: Project, word: str) -> None:
    result = refused(files.migrate(word), 64, f"No such command '{word}'")
    assert "Did you mean" not in result.err


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """A folder without environments or migrations."""
    project = Project(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing")
    (project.folder / "environments/test.yaml").unlink()
    (project.folder / "environments").rmdir()
    project.migrations.rmdir()
    return project


def test_init_makes_the_first_files_and_nothing_twice(empty: Project) -> None:
    (empty.folder / ".gitignore").write_text("*.log\nplan.json")
    made = succeed(empty.migrate("init")).out.split()
    assert made == ["environments/dev.yaml", "migrations", ".gitignore"]
    assert (empty.folder / ".gitignore").read_text() == "*.log\nplan.json\n.lockgate/\n.env\n"
    assert "database: embedded\n" in (empty.folder / "environments/dev.yaml").read_text()
    assert succeed(empty.migrate("init")).out == ""


def test_init_says_that_a_file_is_in_the_way(empty: Project) -> None:
    empty.migrations.write_text("")
    refused(empty.migrate("init"), 64, "migrations is a file, and a folder is needed there")


def test_init_takes_the_variable_that_is_set(empty: Project) -> None:
    succeed(empty.migrate("init", environ={"DATABASE_URL": empty.url}))
    assert "database: $DATABASE_URL\n" in (empty.folder / "environments/dev.yaml").read_text()


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("migrations/1_a.sql", "-- +goose Up\n", "{directory: migrations, format: goose}"),
        ("db/migrations/1_a.sql", "-- migrate:up\n", "db/migrations"),
        ("supabase/migrations/1_a.sql", "create table t ();", "{directory: supabase/migrations, "),
        ("1_a.sql", "-- +goose Up\n", "{directory: ., format: goose}"),
        ("sql/V1__a.sql", "select 1;", "{directory: sql, format: flyway}"),
        (
            "app/store/schema/1_a.up.sql",
            "",
            "{directory: app/store/schema, format: golang-migrate}",
        ),
    ],
)
def test_init_finds_the_migrations_of_other_tools(
    path: str, text: str, expected: str, empty: Project
) -> None:
    file = empty.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    made = succeed(empty.migrate("init")).out.split()
    assert made == ["environments/dev.yaml", ".gitignore"]
    written = (empty.folder / "environments/dev.yaml").read_text()
    assert f"\nmigrations: {expected}" in written
    succeed(empty.migrate("validate", "-e", "dev"))


def test_init_takes_the_outer_folder_of_a_tool_that_looks_into_folders(empty: Project) -> None:
    for path in ("sql/V1__a.sql", "sql/2024/V2__b.sql", "sql/2024/more/V3__c.sql"):
        (empty.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (empty.folder / path).write_text("select 1;")
    succeed(empty.migrate("init"))
    written = (empty.folder / "environments/dev.yaml").read_text()
    assert "\nmigrations: {directory: sql, format: flyway}" in written


def test_init_says_what_migrations_are_code_and_the_way_in(empty: Project) -> None:
    for app in ("shop", "users", "mail", "logs"):
        path = empty.folder / app / "migrations/0001_initial.py"
        path.parent.mkdir(parents=True)
        path.write_text("class Migration(migrations.Migration): ...\n")
    for told in (succeed(empty.migrate("init")).err, succeed(empty.migrate("init")).err):
        assert "logs/migrations has what looks like migrations of Django, in Python (0001" in told
        assert "Other folders like these: 1." in told
        assert "name the database of that tool in environments/dev.yaml" in told
        assert "migrate adopt --baseline 001" in told
    told = succeed(empty.migrate("validate", "-e", "dev")).all
    assert "logs/migrations has what looks like migrations of Django, in Python (0001" in told
    assert "`migrate init` says how" in told
    (empty.migrations / "001_schema.sql").write_text("-- migrate:up\nselect 1;\n")
    assert "Django" not in succeed(empty.migrate("init")).err


def test_init_does_not_choose_between_two_folders(empty: Project) -> None:
    for path in ("a/1_a.up.sql", "b/V1__a.sql", "node_modules/c/V1__a.sql", "d/1_fixture.sql"):
        (empty.folder / path).parent.mkdir(parents=True)
        (empty.folder / path).write_text("select 1;")
    assert "There are migrations in a and b." in succeed(empty.migrate("init")).err
    assert "\nmigrations:" not in (empty.folder / "environments/dev.yaml").read_text()


def test_init_writes_no_password_into_a_file_that_is_committed(empty: Project) -> None:
    result = empty.migrate("init", "--database", "postgresql://me:geheim@db/shop")
    refused(result, 64, "holds a password", "$DATABASE_URL")
    refused(empty.migrate("init", "--database", "nonsense"), 64, "$VARIABLE")
    assert not list(empty.folder.iterdir())


def test_new_makes_no_file_of_ours_in_another_tools_folder(files: Project) -> None:
    files.configure("migrations: {directory: migrations, format: auto}\n")
    assert new(files, "first") == "001_first.sql"
    (files.migrations / "001_first.sql").write_text("-- +goose Up\nselect 1;\n")
    refused(files.migrate("new", "second"), 64, "in the format of goose", "-- +goose Down")


@pytest.mark.parametrize(
    ("pipe", "command"),
    [
        ("migrations/001_a.sql", ("validate",)),
        ("environments/test.yaml", ("validate",)),
        ("environments/test.yaml", ("status",)),
        ("plan.json", ("show", "plan.json")),
        ("plan.json", ("apply", "plan.json")),
        ("plan.json", ("approve", "plan.json")),
        ("receipt.json", ("promote", "--from", "a", "--to", "test", "--receipt", "receipt.json")),
        (None, ("show", "/dev/zero")),
    ],
)
def test_no_command_waits_for_a_pipe_or_a_device(
    files: Project, pipe: str | None, command: tuple[str, ...]
) -> None:
    if pipe:
        (files.folder / pipe).unlink(missing_ok=True)
        os.mkfifo(files.folder / pipe)
    result = files.migrate(*command)
    assert result.code in (64, 10)
    assert "cannot be read: it is no regular file" in result.err
