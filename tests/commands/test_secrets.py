"""A password that is planted in every place it may stand in, and searched for everywhere else."""

import contextlib
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.commands.blocking import held_table, prepare_blocked, wait_until_blocked
from tests.commands.pseudoterminal import on_terminal
from tests.commands.running import COMMAND, Project, Result, refused, succeed
from tests.servers.process import free_port

SECRET = "s3cr3t/@:%pass"
ENCODED = quote(SECRET, safe="")

BUGGY = """
import sys
from lockgate.executors import engine
def broken(address, environment):
    raise RuntimeError(f"{address!r} {address} {environment!r} {environment}")
engine.open_engine = broken
from lockgate.main import run
run()
"""


@pytest.fixture(params=["postgres", "mysql"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def user(server: Any) -> Iterator[str]:
    """A role whose password is the secret; MySQL asks for it, our PostgreSQL takes any."""
    name = f"planted_{secrets.token_hex(3)}"
    if server.engine == "postgresql":
        yield server.user
        return
    with server.connect(None) as connection, connection.cursor() as cursor:
        cursor.execute(f"create user {name} identified by '{SECRET}'")
        cursor.execute(f"grant all on *.* to {name}")
    yield name
    with server.connect(None) as connection, connection.cursor() as cursor:
        cursor.execute(f"drop user {name}")


@pytest.fixture
def planted(server: Any, user: str, tmp_path: Path) -> Iterator[Project]:
    """A project whose URL holds the secret."""
    name = server.new_database()
    url = f"{server.engine}://{user}:{ENCODED}@{server.host}:{server.port}/{name}"
    project = Project(tmp_path, url)
    yield project
    project.close()
    server.drop_database(name)


def plant(project: Project, way: str, host: str, port: int, user: str) -> None:
    """Writes the environment so that the secret stands where `way` says."""
    (project.folder / "environments" / "url").write_text(project.url + "\n")
    (project.folder / "environments" / "password").write_text(SECRET + "\n")
    parts = f"host: {host}\n  port: {port}\n  user: {user}\n  name: {project.database}\n  "
    places = {
        "url": f"url: '{project.url}'",
        "url_env": "url_env: TEST_URL",
        "url_file": "url_file: url",
        "password_env": parts + "password_env: TEST_PASSWORD",
        "password_file": parts + "password_file: password",
    }
    project.configure(database=places[way])


def clean(result: Result) -> Result:
    assert SECRET not in result.all, result
    assert ENCODED not in result.all, result
    return result


@pytest.mark.parametrize("way", ["url", "url_env", "url_file", "password_env", "password_file"])
def test_the_password_is_used_and_never_shown(
    planted: Project, server: Any, user: str, way: str
) -> None:
    plant(planted, way, server.host, server.port, user)
    planted.write_tables(2)
    context = {"environ": {"TEST_PASSWORD": SECRET}}

    def run(*arguments: str) -> Result:
        return clean(planted.migrate(*arguments, **context))

    succeed(run("plan"))
    succeed(run("apply", "plan.json", "--json"))
    planted.write("003_bad.sql", "create table t1 (id int);")
    assert run("up", "-v").code == 9
    files = (path for path in planted.folder.rglob("*") if path.is_file())
    holding = {path.name for path in files if {SECRET, ENCODED} & {*path.read_text().split("\n")}}
    assert holding <= {"url", "password", "test.yaml"}
    assert SECRET not in (planted.folder / "plan.json").read_text()
    dump = server.dump(planted.database)
    assert SECRET not in dump
    assert ENCODED not in dump


def test_no_command_shows_it(planted: Project) -> None:
    planted.write_tables(2)
    for arguments in (["validate"], ["status"], ["plan"], ["show", "plan.json"],
                      ["up", "--dry-run"], ["up", "-v"], ["down", "--json"], ["history", "--json"],
                      ["lock"], ["resolve"], ["rebind"], ["new", "x"]):  # fmt: skip
        clean(succeed(planted.migrate(*arguments)))
    clean(succeed(on_terminal(planted, "up", "-v")))


def wrong_port(project: Project) -> str:
    return project.url.replace(f":{project.url.rpartition(':')[2]}", f":{free_port()}/x")


def wrong_host(project: Project) -> str:
    return project.url.replace("127.0.0.1", "no-such-host.invalid")


def wrong_database(project: Project) -> str:
    return project.url + "_no_such"


def wrong_port_number(project: Project) -> str:
    return project.url.rpartition(":")[0] + ":99999/x"


def unencoded(project: Project) -> str:
    return project.url.replace(ENCODED, SECRET)


def option(project: Project) -> str:
    return f"{project.url}?no_such_option={ENCODED}"


@pytest.mark.parametrize(
    ("change", "code"),
    [(wrong_port, 11), (wrong_host, 11), (wrong_database, 11), (wrong_port_number, 64),
     (unencoded, 64), (option, None)],
)  # fmt: skip
def test_a_connection_that_cannot_be_had_does_not_show_it(
    planted: Project, change: Callable[[Project], str], code: int | None
) -> None:
    environ = {"TEST_URL": change(planted), "LOCKGATE_DEBUG": "1"}
    result = clean(planted.migrate("up", environ=environ))
    assert result.code == code or (code is None and result.code in (11, 64)), result
    assert "Traceback" not in result.err


def test_a_wrong_password_is_not_shown_either(mysql_server: Any, mysql_project: Project) -> None:
    url = mysql_project.url.replace("root@", f"root:{ENCODED}@")
    result = clean(mysql_project.migrate("status", environ={"TEST_URL": url}))
    assert result.code == 11
    assert "Access denied" in result.err


def test_a_command_prints_the_address_of_each_connection(
    planted: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is asked again by each session, may run where it is listed, and nothing of it is shown."""
    place = tmp_path_factory.mktemp("vault")
    token = place / "token"
    url = planted.environ()["TEST_URL"]
    token.write_text(f"#!/bin/sh\necho told >> {place}/runs\necho '{url}'\n")
    token.chmod(0o755)
    planted.configure(database=f"url_command: [{token}]")
    clean(refused(planted.migrate("up"), 64, "may not run", "--environments-from"))
    assert not (place / "runs").exists()
    listed = {"LOCKGATE_COMMANDS": str(token), "TEST_URL": None}
    clean(succeed(planted.migrate("up", environ=listed)))
    assert len((place / "runs").read_text().split()) >= 1
    token.write_text(f"#!/bin/sh\necho '{url}' >&2\nexit 3\n")
    clean(refused(planted.migrate("status", environ=listed), 11, f"{token} failed with 3"))


def test_a_bug_does_not_show_it_even_with_its_traceback(planted: Project) -> None:
    command = (sys.executable, "-c", BUGGY)
    result = clean(planted.migrate("up", environ={"LOCKGATE_DEBUG": "1"}, command=command))
    assert result.code == 1
    assert "RuntimeError" in result.err
    assert "Traceback" in result.err


def test_no_process_title_holds_it(planted: Project, server: Any) -> None:
    prepare_blocked(server, planted)
    with held_table(server, planted.database, "held"):
        process = planted.start("up", command=COMMAND)
        wait_until_blocked(server, planted.database)
        titles = list(command_lines())
        assert any("lockgate" in title for title in titles)
        assert not [title for title in titles if SECRET in title or ENCODED in title]
    process.communicate(timeout=60)
    assert process.returncode == 0


def command_lines() -> Iterator[str]:
    """The command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            yield path.read_bytes().decode(errors="replace")
