"""The command line of a server's own client."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from lockgate.executors.programs.client import client_command
from lockgate.planner.database.address import DatabaseAddress, EngineName
from lockgate.planner.errors import UsageError


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in PATH with every client."""
    for name in ("psql", "mysql", "mariadb"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def address(engine: EngineName, **more: str) -> DatabaseAddress:
    return DatabaseAddress(
        engine, "shop", "ann", 5, host="db", password=SecretStr("geheim"), options=more
    )


@pytest.mark.parametrize(
    ("engine", "arguments", "variable"),
    [
        ("postgresql", ["psql", "host=db port=5 user=ann dbname=shop", "-c", "sql"], "PGPASSWORD"),
        ("mysql", ["mysql", "--host=db", "--port=5", "--protocol=tcp", "--user=ann", "shop",
                   "-e", "sql"], "MYSQL_PWD"),
        ("mariadb", ["mariadb", "--host=db", "--port=5", "--protocol=tcp", "--user=ann", "shop",
                     "-e", "sql"], "MYSQL_PWD"),
    ],
)  # fmt: skip
def test_a_client_is_given_the_password_where_no_process_list_shows_it(
    clients: Path, engine: EngineName, arguments: list[str], variable: str
) -> None:
    command, secrets = client_command(address(engine), "sql")
    assert [Path(command[0]).name, *command[1:]] == arguments
    assert secrets == {variable: "geheim"}


def test_tls_of_the_address_is_the_clients(clients: Path) -> None:
    command, _ = client_command(address("mysql", ssl_ca="/ca.pem"), None)
    assert "--ssl-ca=/ca.pem" in command
    (_, conninfo), _ = client_command(address("postgresql", sslmode="verify-full"), None)
    assert "sslmode=verify-full" in conninfo


def test_a_missing_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no mysql or mariadb in PATH"):
        client_command(address("mysql"), None)
