"""Scratch databases: made for a rehearsal, and dropped however it ends.

Knows no plan: `rehearsal` runs them. A kill -9 leaves a database `lockgate_rehearsal_…`, or a
private server with its folder of that name below the temporary folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.engine import Engine, Traits, open_engine
from lockgate.executors.failure import ServerError
from lockgate.planner.environments.keys import History
from lockgate.planner.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment

NAME = "lockgate_rehearsal_"


@contextmanager
def open_scratch(
    address: DatabaseAddress, environment: Environment, traits: Traits, key: str
) -> Iterator[Engine]:
    """An engine on a new, empty database of a server, for the block; `key` is nobody else's.

    Raises:
        UsageError: the role may not create a database, or not drop it.
        Unreachable: no connection.
    """
    name = NAME + key
    history = {"table": environment.history.table, "schema": traits.history_schema}
    own = environment.model_copy(update={"history": History.model_validate(history)})
    try:
        with closing(open_engine(address, own)) as server, _explained("created", name):
            server.create_database(name, traits)
        with closing(open_engine(replace(address, database=name), own)) as engine:
            yield engine
    finally:
        _drop_surely(name, address, own)


@contextmanager
def start_private(
    environment: Environment, traits: Traits, own_roles: Collection[str]
) -> Iterator[DatabaseAddress]:
    """The address of a PostgreSQL that was started for the block, with the roles of `traits`.

    `own_roles` are left out: the migrations create them.

    Raises:
        ConfigurationError, Unreachable: it cannot be run here.
    """
    from lockgate.executors.postgresql.scratch import create_roles
    from lockgate.executors.programs.embedded import start_embedded

    with tempfile.TemporaryDirectory(prefix=NAME) as folder:
        Path(folder).chmod(0o755)  # root's server runs as another account
        with start_embedded(Path(folder) / "server") as address:
            with closing(open_engine(address, environment)) as server:
                create_roles(server, traits, own_roles)
            yield replace(address, user=traits.user)


def _drop_surely(name: str, address: DatabaseAddress, environment: Environment) -> None:
    """Drops the database; a second signal does not come, so the second try is not interrupted."""
    try:
        _drop(name, address, environment)
    except Interrupted:
        _drop(name, address, environment)
        raise


def _drop(name: str, address: DatabaseAddress, environment: Environment) -> None:
    with closing(open_engine(address, environment)) as server, _explained("dropped", name):
        server.drop_database(name)


@contextmanager
def _explained(done: str, name: str) -> Iterator[None]:
    try:
        yield
    except ServerError as refused:
        raise UsageError(
            f"The scratch database {name} cannot be {done}: {refused}.",
            why="The plan's own database was not touched.",
            do="Give the role of `rehearsal:` the right to create and to drop databases.",
        ) from refused
