"""`migrate status --all`: every environment side by side, whatever is wrong with one of them."""

import signal
import socket
from contextlib import ExitStack
from typing import Any

import pytest

from tests.commands.pseudoterminal import ESCAPE, on_terminal
from tests.commands.running import DEADLINE, Project, Result, refused, succeed


@pytest.fixture
def several(project: Project, mysql_url: str) -> Project:
    """Environments on PostgreSQL and on MySQL; two migrations, of which each has applied some."""
    project.write_environment("base", "project: shop\n")
    project.configure("extends: base\n")
    project.write_environment(
        "next", "extends: test\nengine: mysql\ndatabase: {url_env: NEXT_URL}\n"
    )
    project.write_tables(2)
    succeed(project.migrate("up"))
    succeed(project.migrate("up", "-e", "next", "--to", "1", environ={"NEXT_URL": mysql_url}))
    return project


def show(project: Project, mysql_url: str | None, *options: str) -> Any:
    return project.migrate("status", "--all", *options, environ={"NEXT_URL": mysql_url})


def test_it_shows_where_each_migration_is(several: Project, mysql_url: str) -> None:
    lines = succeed(show(several, mysql_url)).out.splitlines()
    assert [line.split() for line in lines] == [
        ["version", "name", "test", "next"],
        ["001", "t1", "applied", "applied"],
        ["002", "t2", "applied", "pending"],
        [],
        ["test:", "2", "applied,", "serial", "2"],
        ["next:", "1", "applied,", "1", "pending,", "serial", "1"],
    ]


def test_a_fleet_is_told_with_the_way_to_its_states(several: Project, mysql_url: str) -> None:
    several.write_environment(
        "live", "extends: base\nengine: postgresql\nfleet: {targets: {databases: 'x%'}}\n"
        "database: {url_env: TEST_URL}\n",
    )  # fmt: skip
    told = succeed(show(several, mysql_url)).out
    assert "\nlive: a fleet: see `migrate status -e live`\n" in told


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("databse: {url_env: LIVE_URL}\n", "databse: unknown key; did you mean database?"),
        ("extends: test\n", "database: is missing"),
    ],
)
def test_a_file_that_lacks_its_database_by_mistake_is_told(
    several: Project, mysql_url: str, text: str, problem: str
) -> None:
    several.write_environment("live", text)
    told = show(several, mysql_url)
    assert told.code == 64
    assert "live: " in told.out
    assert problem in told.out


def test_on_a_terminal_each_cell_has_its_own_colour(several: Project, mysql_url: str) -> None:
    shown = succeed(on_terminal(several, "status", "--all", NEXT_URL=mysql_url)).out
    assert "002      t2    applied  \x1b[33mpending\x1b[0m\n" in shown


def test_on_a_narrow_terminal_names_are_cut_and_environments_stand_in_blocks(
    project: Project,
) -> None:
    for name in ("eu", "us", "production-asia", "production-africa"):
        project.write_environment(name, "extends: test\ndatabase: {url_env: TEST_URL}\n")
    project.write("20260101120000_add_the_addresses_of_customers.sql", "select 1;")
    project.write("20260101120001_t.sql", "select 1;")
    shown = succeed(on_terminal(project, "status", "--all", COLUMNS="80")).out
    blocks = ESCAPE.sub("", shown).split("\n\n")
    assert [[line.rstrip() for line in block.splitlines()] for block in blocks[:2]] == [
        [
            "version         name                         test     eu       production-africa",
            "20260101120000  add_the_addresses_of_custo…  pending  pending  pending",
            "20260101120001  t                            pending  pending  pending",
        ],
        [
            "version         name                            production-asia  us",
            "20260101120000  add_the_addresses_of_customers  pending          pending",
            "20260101120001  t                               pending          pending",
        ],
    ]


def test_on_a_narrow_terminal_what_is_said_of_an_environment_is_broken_between_words(
    several: Project,
) -> None:
    """The terminal itself breaks a line wherever it is full."""
    shown = ESCAPE.sub("", on_terminal(several, "status", "--all", COLUMNS="80").out)
    lines = [line.rstrip() for line in shown[shown.index("next: ") :].splitlines()]
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert " ".join(line.strip() for line in lines) in show(several, None).out


def test_one_that_cannot_be_reached_does_not_hide_the_others(several: Project) -> None:
    result = show(several, None)
    assert result.code == 64
    assert "next: " in result.out
    assert "NEXT_URL is not set" in result.out
    assert "test: 2 applied" in result.out
    result = show(several, "mysql://ann:s3cret@127.0.0.1:1/none")
    assert result.code == 11
    assert "test: 2 applied" in result.out
    assert "s3cret" not in result.all


def test_silent_servers_are_asked_at_once_and_a_signal_ends_the_waiting(
    project: Project,
) -> None:
    (project.folder / "environments/test.yaml").unlink()
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        for number, server in enumerate(servers):
            engine = "mysql" if number else "postgresql"
            url = f"{engine}://ann@127.0.0.1:{server.getsockname()[1]}/shop"
            settings = f"engine: {engine}\ntimeouts: {{connect: 10m}}\n"
            project.write_environment(f"silent{number}", f"{settings}database: {{url: '{url}'}}\n")
        process = project.start("status", "--all")
        for server in servers:
            server.settimeout(DEADLINE)
            stack.enter_context(server.accept()[0])
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE)
    refused(Result(process.returncode, out, err), 130, "Interrupted. Nothing was changed.")
    assert out == ""


def test_a_server_that_refuses_to_tell_does_not_hide_the_others(
    several: Project, mysql_url: str, postgres_server: Any
) -> None:
    role = f"r{several.database[-8:]}"
    url = several.url.replace(f"{postgres_server.user}@", f"{role}@")
    several.write_environment("weak", "extends: test\ndatabase: {url_env: WEAK_URL}\n")
    with postgres_server.connect(several.database) as bystander:
        bystander.execute(f"create role {role} login")
        environ = {"NEXT_URL": mysql_url, "WEAK_URL": url}
        result = several.migrate("status", "--all", environ=environ)
        bystander.execute(f"drop role {role}")
    assert result.code == 64
    assert "weak: The server refused to tell: permission denied for" in result.out
    assert "test: 2 applied" in result.out


def test_another_environments_database_is_not_shown_as_its_own(several: Project) -> None:
    several.write_environment("third", "database: {url_env: TEST_URL}\n")
    result = show(several, None, "--json")
    third = next(each for each in result.document["environments"] if each["name"] == "third")
    assert third["serial"] is None
    assert "belongs to environment test" in third["problem"]


def test_the_gravest_end_is_the_end(several: Project, mysql_url: str) -> None:
    several.write("001_t1.sql", "create table other (id int);")
    result = show(several, mysql_url)
    assert result.code == 10
    assert "changed" in result.out
    assert show(several, None).code == 10


def test_json_has_each_state_with_its_time(several: Project, mysql_url: str) -> None:
    document = succeed(show(several, mysql_url, "--json")).document
    assert document["format"] == "lockgate-status-matrix"
    second = document["migrations"][1]["environments"]
    assert second["test"]["applied_at"].endswith("+00:00")
    assert second["next"] == {
        "state": "pending",
        "checksum": second["test"]["checksum"],
        "applied_at": None,
    }


def test_html_is_a_page(several: Project, mysql_url: str) -> None:
    page = succeed(show(several, mysql_url, "--format", "html")).out
    assert page.startswith("<!doctype html>")
    assert '<th scope="col">next</th>' in page
    refused(several.migrate("status", "--format", "html"), 64, "Add `--all`")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("create table a", "create table z", ("was altered", "migrate apply FILE", "backup")),
        ('"format_version":"1', '"format_version":"9', ("plan format 9", "has begun the run")),
    ],
    ids=["altered", "of a later format"],
)
def test_a_half_done_run_whose_plan_cannot_be_read_is_not_well(
    project: Project, postgres_server: Any, old: str, new: str, words: tuple[str, ...]
) -> None:
    project.configure("policy: {non_atomic: allow}\n")
    project.write_tables(1)
    succeed(project.migrate("up"))
    project.write_environment("fresh", "database: {url_env: FRESH_URL}\n")
    environ = {"FRESH_URL": postgres_server.url("postgres")}
    project.write("002_half.sql", "create table a ();\nselect 1/0;", flags=" transaction:false")
    succeed(project.migrate("plan"))
    refused(project.migrate("apply", "plan.json"), 7)
    with postgres_server.connect(project.database) as connection:
        connection.execute("update lockgate_runs set plan = replace(plan, %s, %s)", (old, new))
    result = project.migrate("status", "--all", environ=environ)
    assert result.code == 8
    assert "test: " in result.out
    assert "The plan of run " in result.out
    assert "001      t1    applied" in refused(project.migrate("status"), 8, *words).out
    for option in ("--mark-applied", "--mark-rolled-back"):
        refused(project.migrate("resolve", option, "2", "--reason", "by hand"), 8, *words)
    refused(project.migrate("apply", "plan.json"), 7, "division by zero", "done and kept: 1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("policy:\n", "policy: is empty"),
        ("policy: deny\n", "policy: is a map"),
        ("policy: {promotion: x}\n", "policy.promotion: is a map"),
        ("policy: {promotion: {from: [a]}}\n", "policy.promotion.from: is text"),
        ("extends: [a]\n", "extends: is text"),
        ("policy: {promotion: {from: nowhere}}\n", "nowhere"),
        ("\tx", "not YAML"),
    ],
)
def test_one_whose_file_is_wrong_does_not_hide_those_that_stand_behind_it(
    project: Project, text: str, words: str
) -> None:
    project.configure("policy: {promotion: {from: staging}}\n")
    project.write_environment("staging", f"database: {{url_env: STAGING_URL}}\n{text}")
    project.write_tables(1)
    result = project.migrate("status", "--all")
    assert result.code == 64, result
    assert "staging: " in result.out
    assert words in result.out
    assert "test: 0 applied, 1 pending" in result.out
    assert result.out.index("staging: ") < result.out.index("test: ")
