"""A Galera cluster is one database: its plans go to any node, and its nodes keep each other out."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.tables import ALWAYS_MADE
from lockgate.planner.errors import Locked
from tests.commands.conftest import opened
from tests.commands.running import Project, Result, refused, succeed
from tests.executors.building import new_identity, open_test_engine
from tests.executors.dying import make_one_table
from tests.executors.rows import execute
from tests.faults.family_image import make_image
from tests.servers.galera import GaleraCluster

RACES = int(os.environ.get("LOCKGATE_TEST_RACES", "4"))
"""How often two executors race; `make test-races` does it 500 times."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[GaleraCluster]:
    with GaleraCluster() as nodes:
        yield nodes


@pytest.fixture
def project(cluster: GaleraCluster, tmp_path: Path) -> Iterator[Project]:
    """A project on the first node, with two migrations."""
    database = cluster.first.new_database()
    url, wait = cluster.first.url(database), "lock: {wait: 0s}\n"
    project = Project(tmp_path, url, settings=wait)
    project.write_tables(2)
    yield from opened(project)
    cluster.first.drop_database(database)


def second(cluster: GaleraCluster, project: Project) -> dict[str, str]:
    """The process environment by which a command goes to the second node."""
    return {"TEST_URL": cluster.second.url(project.database)}


def test_a_plan_of_one_node_is_applied_on_another(cluster: Any, project: Project) -> None:
    on_second = second(cluster, project)
    succeed(project.migrate("plan"))
    succeed(project.migrate("apply", "plan.json", environ=on_second))
    assert "already applied" in succeed(project.migrate("apply", "plan.json")).all
    project.write_tables(1, first=3)
    succeed(project.migrate("plan", environ=on_second))
    succeed(project.migrate("apply", "plan.json"))
    assert succeed(project.migrate("status", "--json", environ=on_second)).document


def test_a_copy_of_a_cluster_is_refused(
    cluster: Any, project: Project, mariadb_server: Any
) -> None:
    succeed(project.migrate("up"))
    with cluster.first.connect(project.database) as connection:
        image = make_image(connection, project.database)
    with mariadb_server.connect(None) as connection, connection.cursor() as cursor:
        for statement in (part for packet in image for part in packet.split(";\n")):
            cursor.execute(statement)
    copy = {"TEST_URL": mariadb_server.url(project.database)}
    refused(project.migrate("up", environ=copy), 6, "is a copy", "migrate rebind")
    succeed(project.migrate("rebind", environ=copy))
    succeed(project.migrate("up", environ=copy))
    mariadb_server.drop_database(project.database)


def test_a_claim_runs_no_trigger(cluster: Any, project: Project) -> None:
    succeed(project.migrate("up", "--to", "001"))
    with open_test_engine(cluster.first, project.database) as engine:
        engine.store.read_ledger()
        execute(cluster.second, project.database, "create table seen (a int)")
        trigger = "create trigger t before update on lockgate_target for each row"
        execute(cluster.second, project.database, f"{trigger} insert into seen values (1)")
        with pytest.raises(ServerError, match="has a trigger since"), engine.lock.hold(0, print):
            pytest.fail("the lock was taken")
        assert engine.session.query_all("select * from seen") == []


def test_a_claim_of_another_node_is_waited_for_and_shown(cluster: Any, project: Project) -> None:
    succeed(project.migrate("up", "--to", "001"))
    claim(cluster, project, cluster.second.status("gcomm_uuid"))
    found = project.migrate("up")
    refused(found, 5, "someone@%", "the cluster's node n2", "2026-01-01 00:00:00 UTC")
    assert "the cluster's node n2" in project.migrate("lock").all
    succeed(project.migrate("up", environ=second(cluster, project)))


def test_a_claim_of_a_node_that_has_left_counts_for_nothing(cluster: Any, project: Project) -> None:
    succeed(project.migrate("up", "--to", "001"))
    claim(cluster, project, "00000000-0000-0000-0000-000000000001")
    succeed(project.migrate("up"))


def test_of_two_executors_on_two_nodes_one_applies(cluster: Any, project: Project) -> None:
    for number in range(RACES):
        if number % 2 == 0:  # the first plans of a database
            cluster.first.drop_database(project.database)
            execute(cluster.first, None, f"create database `{project.database}`")
        ends = race(cluster, project, number % 2 + 1)
        codes = sorted(end.code for end in ends)
        assert codes in ([0, 0], [0, 5]), ends
        for node in ({}, second(cluster, project)):
            status = succeed(project.migrate("status", environ=node)).all
            assert "half" not in status
            assert "pending" not in status.lower().replace("0 pending", "")


def test_a_ledger_in_the_making_is_none_yet(cluster: Any, project: Project) -> None:
    on_second, seen = second(cluster, project), 0
    while not make_one_table(cluster.first, project.database):
        seen += 1
        assert "0 applied" in succeed(project.migrate("status", environ=on_second)).all
    assert seen == 1 + len(ALWAYS_MADE)
    succeed(project.migrate("up"))
    execute(cluster.first, project.database, "drop table lockgate_journal")
    refused(project.migrate("up", environ=on_second), 64, "lockgate_journal' doesn't exist")


def test_a_ledger_that_was_made_since_the_lock_was_taken_is_anothers(
    cluster: Any, project: Project
) -> None:
    with open_test_engine(cluster.second, project.database) as engine, engine.lock.hold(0, print):
        succeed(project.migrate("up"))  # on the first node, from its beginning to its end
        identity = engine.store.read_ledger().identity
        assert identity is not None
        with pytest.raises(Locked):
            engine.store.ensure_tables(identity)


def test_a_node_that_finds_a_table_made_meanwhile_gives_way(cluster: Any, project: Project) -> None:
    with open_test_engine(cluster.first, project.database) as engine:
        execute_all = engine.session.execute

        def execute_late(sql: str, parameters: Any = ()) -> int:
            if sql.startswith("create table"):
                make_one_table(cluster.second, project.database)
            return int(execute_all(sql, parameters))

        engine.session.execute = execute_late
        with pytest.raises(Locked):
            engine.store.ensure_tables(new_identity(engine))
    succeed(project.migrate("up", environ=second(cluster, project)))


def race(cluster: Any, project: Project, number: int) -> list[Result]:
    """How two executors end that begin at once, with a migration of several statements."""
    sql = (
        f"create table raced{number} (id int primary key);\n"
        f"insert into raced{number} values (1), (2);\n"
        f"alter table raced{number} add column note varchar(20);"
    )
    project.write(f"10{number}_raced.sql", sql)
    starts = [project.start("up", environ=node) for node in ({}, second(cluster, project))]
    return [Result(one.wait(60), *one.communicate()) for one in starts]


def claim(cluster: Any, project: Project, node: str) -> None:
    """Leaves the claim of a run in the ledger."""
    mark = f";holder={node},7,2026-01-01T00:00:00Z,someone@%25"
    execute(
        cluster.first,
        project.database,
        f"update lockgate_target set evidence = concat(evidence, '{mark}')",
    )
