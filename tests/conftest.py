"""Real servers and fresh databases as fixtures: a server starts when a test first asks for it.

It must not start anything on import: a run of the planner's tests starts no server.
"""

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.commands.forked import close_nursery
from tests.servers.mariadb import MariaDBServer
from tests.servers.mysql import MySQLServer
from tests.servers.openssh import put_openssh_on_path
from tests.servers.postgres import PostgresServer

settings.register_profile("lockgate", deadline=None)  # how fast it is, says the machine's load
settings.load_profile("lockgate")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for the whole test run; LOCKGATE_TEST_POSTGRES names another major version."""
    with PostgresServer(int(os.environ.get("LOCKGATE_TEST_POSTGRES", "0"))) as server:
        yield server


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[MySQLServer]:
    """Oracle's MySQL for the whole test run."""
    with MySQLServer() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    """A MariaDB for the whole test run."""
    with MariaDBServer() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _nursery() -> Iterator[None]:
    """The process that forks commands, if a test begins it, ends with the test run."""
    yield
    close_nursery()


@pytest.fixture(scope="session")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> None:
    """ssh-keygen, ssh-agent and ssh-add on the path, for the whole test run."""
    put_openssh_on_path(tmp_path_factory.mktemp("openssh"))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database."""
    yield from _fresh_url(postgres_server)


@pytest.fixture
def mysql_url(mysql_server: MySQLServer) -> Iterator[str]:
    """The URL of a fresh MySQL database."""
    yield from _fresh_url(mysql_server)


@pytest.fixture
def mariadb_url(mariadb_server: MariaDBServer) -> Iterator[str]:
    """The URL of a fresh MariaDB database."""
    yield from _fresh_url(mariadb_server)


@pytest.fixture(params=["postgres", "mysql", "mariadb"])
def any_server(request: pytest.FixtureRequest) -> Any:
    """Each of the three servers in turn."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def any_database(any_server: Any) -> Iterator[str]:
    """The name of a fresh database on `any_server`."""
    name = any_server.new_database()
    yield name
    any_server.drop_database(name)


def _fresh_url(server: Any) -> Iterator[str]:
    name = server.new_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(params=["mysql", "mariadb"])
def family_server(request: pytest.FixtureRequest) -> Any:
    """MySQL and MariaDB in turn."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def family_database(family_server: Any) -> Iterator[str]:
    """The name of a fresh database on `family_server`."""
    name = family_server.new_database()
    yield name
    family_server.drop_database(name)


def pytest_collection_finish() -> None:
    """What is there before the first test is there to the end: it is not looked through again.

    Ten thousand tests are 400,000 objects; to go through them takes a quarter of a second.
    """
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what tests have recorded as `told`: what a worker of a parallel run prints is lost."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "told":
                    terminalreporter.write_line(str(value))
