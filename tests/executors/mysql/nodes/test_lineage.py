"""After a failover a database is the same; a copy is another one, and a replica is neither."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import opened
from tests.commands.running import Project, refused, succeed
from tests.faults.family_image import make_image
from tests.servers.replication import ReplicatedMySQL


@pytest.fixture
def pair() -> Iterator[ReplicatedMySQL]:
    with ReplicatedMySQL() as servers:
        yield servers


@pytest.fixture
def project(pair: ReplicatedMySQL, tmp_path: Path) -> Iterator[Project]:
    """A project on the source, with two migrations."""
    project = Project(tmp_path, pair.source.url(pair.source.new_database()))
    project.write_tables(2)
    yield from opened(project)


def test_a_plan_outlives_a_failover_and_a_copy_is_refused(
    pair: ReplicatedMySQL, project: Project, mysql_server: Any
) -> None:
    replica = {"TEST_URL": pair.replica.url(project.database)}
    succeed(project.migrate("up", "--to", "001"))
    succeed(project.migrate("plan"))
    pair.catch_up()
    refused(project.migrate("apply", "plan.json", environ=replica), 6, "reset replica all")

    pair.promote()
    succeed(project.migrate("apply", "plan.json", environ=replica))
    succeed(project.migrate("status", environ=replica))
    with pair.replica.connect(project.database) as connection:
        image = make_image(connection, project.database)
    copy_to(mysql_server, image)
    copy = {"TEST_URL": mysql_server.url(project.database)}
    refused(project.migrate("up", environ=copy), 6, "is a copy", "migrate rebind")
    mysql_server.drop_database(project.database)


def copy_to(server: Any, image: tuple[str, ...]) -> None:
    """Makes a database of an image on another server."""
    with server.connect(None) as connection, connection.cursor() as cursor:
        for statement in (part for packet in image for part in packet.split(";\n")):
            cursor.execute(statement)
