"""Projects on fresh databases of the test servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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


def opened(project: Project) -> Iterator[Project]:
    yield project
    project.close()
