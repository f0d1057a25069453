"""How often a command waits for the server: what a distant database makes slow."""

import pytest

from tests.commands.running import Project, succeed
from tests.proxy import Proxy
from tests.servers.postgres import PostgresServer


def round_trips(server: PostgresServer, project: Project, *arguments: str) -> int:
    """How often a command waited for the server to hand it the turn.

    Counted are the server's messages that a client must have before it may go on: the answer to
    SSLRequest, a demand for a password, ReadyForQuery (after the start-up, each Query and each
    Sync) and the invitation to COPY. A Flush is not counted: it asks the server to send what it
    has, and the client goes on sending. Nor is it counted that the client lets no more than 1000
    commands be under way: it then waits for the first answers while the server works on the
    rest, so neither side stands still.
    """
    with Proxy(server.host, server.port) as proxy:
        through = {"TEST_URL": server.url(project.database, port=proxy.port)}
        succeed(project.migrate(*arguments, environ=through))
        return proxy.turns


@pytest.mark.parametrize("count", [1, 20, 100, 1000])
def test_up_waits_as_often_for_many_migrations_as_for_one(
    project: Project, postgres_server: PostgresServer, count: int
) -> None:
    project.write_tables(count)
    assert round_trips(postgres_server, project, "up") <= 14 + count / 100
    assert round_trips(postgres_server, project, "status") <= 6


def test_up_waits_no_longer_where_the_ledger_exists(
    project: Project, postgres_server: PostgresServer
) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    assert round_trips(postgres_server, project, "up") <= 8
    project.write_tables(1, first=2)
    assert round_trips(postgres_server, project, "up") <= 12
    assert round_trips(postgres_server, project, "down", "--to", "0") <= 12


def test_a_plan_is_made_in_few_round_trips(
    project: Project, postgres_server: PostgresServer
) -> None:
    project.write_tables(3)
    # The first plan asks what tables there are, and its apply asks again.
    assert round_trips(postgres_server, project, "plan") <= 7
    assert round_trips(postgres_server, project, "apply", "plan.json") <= 13
    assert round_trips(postgres_server, project, "plan") <= 6
