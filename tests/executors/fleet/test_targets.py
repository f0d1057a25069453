"""Finding targets: by a query that writes nothing, a file of the project, an allowed program."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.fleet.targets import COMMANDS, find_places
from lockgate.planner.database.address import parse_url
from lockgate.planner.environments.environment import Environment, read_environment
from lockgate.planner.errors import ConfigurationError, LockgateError, UsageError

Configure = Callable[[str], Environment]
PROGRAM = """#!/bin/sh
echo '{"name": "a", "database": "x"}'
echo "{\\"name\\": \\"b\\", \\"user\\": \\"${SECRET:-none}\\"}"
"""


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def write(targets: str) -> Environment:
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        text = f"engine: postgresql\ndatabase: {{url_env: A}}\nfleet: {{targets: {targets}}}\n"
        (folder / "live.yaml").write_text(text)
        return read_environment("live", folder, variables={})

    return write


HERE = "postgresql://a@localhost/b"


def found(environment: Environment, url: str = HERE, **variables: str) -> list[str]:
    return [one.name for one in find_places(environment, parse_url(url), variables)]


def test_a_patterns_wildcards_are_those_of_like(
    configure: Configure, postgres_server: Any, postgres_url: str
) -> None:
    with postgres_server.connect(postgres_url.rpartition("/")[2]) as connection:
        for schema in ("t_1", "t_2", "tx3", "u_1"):
            connection.execute(f"create schema {schema}")
    assert found(configure(r'{schemas: "t\\_%"}'), postgres_url) == ["t_1", "t_2"]
    assert found(configure('{schemas: "t_%"}'), postgres_url) == ["t_1", "t_2", "tx3"]


def test_a_query_fills_places_and_writes_nothing(
    configure: Configure, postgres_server: Any, postgres_url: str
) -> None:
    database = postgres_url.rpartition("/")[2]
    with postgres_server.connect(database) as connection:
        connection.execute("create table tenants (name text, dbname text)")
        connection.execute("insert into tenants values ('a', 'x'), ('b', 'y')")
    way = '{query: {url_env: CONTROL, sql: "%s"}}'
    ask = configure(way % "select name, dbname from tenants")
    assert found(ask, CONTROL=postgres_url) == ["a", "b"]
    for sql in (
        "delete from tenants returning name",
        "select name from tenants; commit; delete from tenants",
    ):
        with pytest.raises(UsageError, match="refused"):
            found(configure(way % sql), CONTROL=postgres_url)
    with postgres_server.connect(database) as connection:
        assert connection.execute("select count(*) from tenants").fetchone() == (2,)


def test_a_file_lists_databases_and_maps(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "tenants.yaml").write_text("- b\n- {name: a, host: db2}\n")
    assert found(configure("{file: tenants.yaml}")) == ["a", "b"]


@pytest.mark.parametrize("text", ["a: b\n", "- [a]\n", "- a\n- a\n", "- {name: a, pass: b}\n", ""])
def test_a_file_that_is_no_list_of_targets_is_refused(
    configure: Configure, tmp_path: Path, text: str
) -> None:
    (tmp_path / "tenants.yaml").write_text(text)
    with pytest.raises(LockgateError):
        found(configure("{file: tenants.yaml}"))


def test_a_file_outside_of_the_project_is_refused(configure: Configure) -> None:
    with pytest.raises(ConfigurationError, match="outside"):
        found(configure("{file: ../../etc/passwd}"))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "tenants"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    return path


def test_a_program_runs_only_where_it_is_allowed_from_outside(
    configure: Configure, program: Path, tmp_path: Path
) -> None:
    environment = configure('{command: ["./tenants", "--all"]}')
    listed = tmp_path / "allowed"
    listed.write_text("./tenants --all\n")
    for allowed in ({}, {COMMANDS: "./tenants"}, {COMMANDS: f"@{listed}"}):
        with pytest.raises(ConfigurationError, match=COMMANDS):
            found(environment, **allowed)
    assert found(environment, **{COMMANDS: "other\n./tenants --all"}) == ["a", "b"]


def test_a_program_is_given_no_secret(configure: Configure, program: Path) -> None:
    environment = configure('{command: ["./tenants"]}')
    places = find_places(
        environment,
        parse_url("postgresql://a@localhost/b"),
        {COMMANDS: "./tenants", "SECRET": "s"},
    )
    assert [place.user for place in places] == [None, "none"]


def test_a_program_that_fails_is_told_without_what_it_printed(
    configure: Configure, program: Path
) -> None:
    program.write_text("#!/bin/sh\necho secret; echo secret >&2; exit 3\n")
    with pytest.raises(UsageError, match="ended with 3") as caught:
        found(configure('{command: ["./tenants"]}'), **{COMMANDS: "./tenants"})
    assert "secret" not in str(caught.value)
