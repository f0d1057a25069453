"""Sessions of the PostgreSQL executor and of a bystander on a fresh database."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.executors.building import open_test_engine
from tests.servers.postgres import PostgresServer


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a fresh PostgreSQL database."""
    name = postgres_server.new_database()
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def postgres(postgres_server: PostgresServer, postgres_database: str) -> Iterator[Any]:
    """The executor's session on a fresh PostgreSQL database."""
    with open_test_engine(postgres_server, postgres_database) as engine:
        yield engine


@pytest.fixture
def bystander(
    postgres_server: PostgresServer, postgres_database: str
) -> Iterator["psycopg.Connection[Any]"]:
    """Somebody else's session on the same database, in autocommit mode."""
    with postgres_server.connect(postgres_database) as connection:
        yield connection
