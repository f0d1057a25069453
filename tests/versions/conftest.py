"""Projects on a fresh database of the major version that LOCKGATE_TEST_POSTGRES names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import opened
from tests.commands.running import Project
from tests.servers.postgres import PostgresServer


@pytest.fixture
def project(tmp_path: Path, postgres_url: str) -> Iterator[Project]:
    """A project on the server of that version."""
    yield from opened(Project(tmp_path, postgres_url))


@pytest.fixture
def own(postgres_server: PostgresServer) -> dict[str, str]:
    """Variables under which a private server is of that version too."""
    return {"LOCKGATE_POSTGRES": str(postgres_server.programs.parent)}
