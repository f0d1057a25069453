"""The engines under test: a server, the state of its database, and the plans for it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.bench import Bench, State
from tests.faults.case import Collection
from tests.faults.family_cases import FAMILY
from tests.faults.family_state import FamilyState
from tests.faults.postgresql_cases import POSTGRESQL
from tests.faults.postgresql_state import PostgresState
from tests.servers.mariadb import MariaDBServer
from tests.servers.mysql import MySQLServer
from tests.servers.postgres import PostgresServer


@dataclass(frozen=True)
class Setup:
    """What an engine needs to be put to the test."""

    start: Callable[[], Any]
    state: Callable[[Any], State]
    collection: Collection


ENGINES = {
    "postgresql": Setup(PostgresServer, PostgresState, POSTGRESQL),
    "mysql": Setup(MySQLServer, FamilyState, FAMILY),
    "mariadb": Setup(MariaDBServer, FamilyState, FAMILY),
}


@contextmanager
def open_bench(server: Any) -> Iterator[Bench]:
    """A bench on a running server."""
    setup = ENGINES[server.engine]
    with (
        tempfile.TemporaryDirectory(prefix="lockgate-faults-") as folder,
        Bench(setup.state(server), setup.collection, Path(folder)) as bench,
    ):
        yield bench


@contextmanager
def open_own_bench(engine: str) -> Iterator[Bench]:
    """A bench on a server that lives for the block."""
    with ENGINES[engine].start() as server, open_bench(server) as bench:
        yield bench
