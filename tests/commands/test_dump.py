"""The schema as SQL, by the servers' own programs."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import COMMAND, Project, refused, succeed

CREATE = {
    "postgresql": "create table t (id int generated always as identity primary key);"
    "create view v as select id from t;",
    "mysql": "create table t (id int auto_increment primary key);"
    "create view v as select id from t;",
}


@pytest.fixture(params=["postgres", "mysql"])
def dumped_server(request: pytest.FixtureRequest) -> Any:
    """A server with a program that dumps it."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def dumped(dumped_server: Any, tmp_path: Path) -> Any:
    """A project whose server has a program that dumps it, on PATH."""
    server = dumped_server
    database = server.new_database()
    project = Project(tmp_path, server.url(database), settings="schema_file: schema.sql\n")
    if project.engine == "mysql":
        argv = server.client_argv(database)
        *loader, client = argv[: argv.index("--no-defaults")]
        program = [*loader, str(Path(client).with_name("mysqldump"))]
        script = tmp_path / "bin" / "mysqldump"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {shlex.join(program)} "$@"\n')
        script.chmod(0o755)
    yield project
    project.close()
    server.drop_database(database)


def test_equal_schemas_give_equal_files(dumped: Project) -> None:
    path = {"PATH": f"{dumped.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    dumped.write("001_t.sql", CREATE[dumped.engine], "drop view v; drop table t;")
    succeed(dumped.migrate("up", environ=path))
    file = dumped.folder / "schema.sql"
    text = file.read_text()
    assert "VIEW" in text
    assert "DROP TABLE" not in text
    assert "schema_migrations" not in text
    assert "lockgate" not in text.replace(dumped.database, "")
    values = "values ()" if dumped.engine == "mysql" else "default values"
    dumped.write("002_rows.sql", f"insert into t {values};", "delete from t;")
    succeed(dumped.migrate("up", environ=path))
    assert file.read_text() == text
    dumped.write("003_more.sql", "create table more (id int);", "drop table more;")
    succeed(dumped.migrate("up", environ=path))
    assert succeed(dumped.migrate("dump", environ=path)).out == file.read_text() != text
    file.write_text(text)
    refused(dumped.migrate("dump", "--check", "schema.sql", environ=path), 2, "Write it again")
    succeed(dumped.migrate("down", "--steps", "2", environ=path))
    for start, end in ((b"", b"\n"), (b"\xef\xbb\xbf", b"\r\n")):  # as git writes it on Windows
        file.write_bytes(start + text.encode().replace(b"\n", end))
        succeed(dumped.migrate("dump", "--check", "schema.sql", environ=path))


def test_what_is_printed_is_what_is_written(dumped: Project) -> None:
    path = {
        "PATH": f"{dumped.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONIOENCODING": "latin-1",
    }
    literal = "кунде 12\u00a0€"
    dumped.write("001_t.sql", f"create table t (a varchar(20) default '{literal}');", "")
    succeed(dumped.migrate("up", environ=path))
    succeed(dumped.migrate("dump", "-o", "written.sql", environ=path))
    environ = dumped.environ(path)
    printed = subprocess.run(
        [*COMMAND, "dump"], cwd=dumped.folder, env=environ, capture_output=True, check=True
    ).stdout
    assert literal.encode() in printed
    assert printed == (dumped.folder / "written.sql").read_bytes()


def test_the_history_of_another_tool_is_left_out(dumped: Project, dumped_server: Any) -> None:
    """Before its history is taken over, and after it."""
    path = {"PATH": f"{dumped.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    number = "bigint auto_increment" if dumped.engine == "mysql" else "serial"
    with dumped_server.connect(dumped.database) as connection, connection.cursor() as cursor:
        for sql in (
            f"create table knex_migrations (id {number} primary key, name varchar(255), batch int,"
            " migration_time timestamp)",
            f"create table knex_migrations_lock (place {number} primary key, is_locked int)",
            "insert into knex_migrations (name, batch) values ('001_t.js', 1)",
            "create table schema_migrations (version varchar(99) primary key, by_hand int)",
            "create table t (id int)",
        ):
            cursor.execute(sql)
    dumped.write("001_t.sql", "create table t (id int);")
    for taken in (False, True):
        if taken:
            succeed(dumped.migrate("adopt", "--no-verify"))
            succeed(dumped.migrate("apply", "adopt.json", environ=path))
        text = succeed(dumped.migrate("dump", environ=path)).out
        objects = succeed(dumped.migrate("dump", "--json")).document["objects"]
        for named in (text, str(objects)):
            assert "knex" not in named
            assert "lockgate" not in named.replace(dumped.database, "")
            assert "schema_migrations" in named


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--json", "-o", "schema.sql"), "is printed, and neither written"),
        (("--check", "nowhere.sql"), "nowhere.sql does not exist"),
    ],
)
def test_what_would_be_passed_over_is_refused(
    mysql_project: Project, options: tuple[str, ...], words: str
) -> None:
    refused(mysql_project.migrate("dump", *options), 64, words)


def test_a_missing_program_is_a_warning_after_a_run(mysql_project: Project) -> None:
    mysql_project.configure("schema_file: schema.sql\n")
    mysql_project.write_tables(1)
    result = succeed(mysql_project.migrate("up", environ={"PATH": "/nowhere"}))
    assert "schema.sql was not written: There is no mysqldump" in result.err
    refused(mysql_project.migrate("dump", environ={"PATH": "/nowhere"}), 64, "no mysqldump")
