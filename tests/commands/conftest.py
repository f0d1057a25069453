"""Projects on fresh databases of the test servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.promoting import Pair
from tests.commands.running import Project


@pytest.fixture
def project(tmp_path: Path, postgres_url: str) -> Iterator[Project]:
    """A project on PostgreSQL."""
    yield from opened(Project(tmp_path, postgres_url))


@pytest.fixture
def mysql_project(tmp_path: Path, mysql_url: str) -> Iterator[Project]:
    """A project on MySQL."""
    yield from opened(Project(tmp_path, mysql_url))


@pytest.fixture
def any_project(any_server: Any, any_database: str, tmp_path: Path) -> Iterator[Project]:
    """A project on each of the three servers in turn."""
    yield from opened(Project(tmp_path, any_server.url(any_database)))


@pytest.fixture(params=["mysql", "mariadb"])
def family_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project on MySQL and MariaDB in turn."""
    server = request.getfixturevalue(f"{request.param}_server")
    database = server.new_database()
    yield from opened(Project(tmp_path, server.url(database)))
    server.drop_database(database)


@pytest.fixture(params=["postgres", "mysql"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Staging and production on PostgreSQL and MySQL in turn, with two migrations."""
    yield from paired(request.getfixturevalue(f"{request.param}_server"), tmp_path)


def paired(server: Any, folder: Path) -> Iterator[Pair]:
    staging, production = server.new_database(), server.new_database()
    pair = Pair(folder, server, staging, production)
    pair.project.write_tables(2)
    yield pair
    pair.project.close()
    for database in (staging, production):
        server.drop_database(database)


def opened(project: Project) -> Iterator[Project]:
    yield project
    project.close()
