"""Scratch databases: made for a rehearsal, and dropped however it ends; and a database emptied.

Knows no plan: `rehearsal` runs them. A kill -9 leaves a database `lockgate_rehearsal_…`, or a
private server with its folder of that name below /dev/shm or the temporary folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.engine import Engine, Extension, Traits, open_engine
from lockgate.executors.failure import ServerError
from lockgate.planner.environments.keys import History
from lockgate.planner.errors import Interrupted, UsageError
from lockgate.planner.value import replace

if TYPE_CHECKING:
    from lockgate.executors.programs.installations import Installation
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment

NAME = "lockgate_rehearsal_"
MEMORY = Path("/dev/shm")
ROOM = 1 << 30  # bytes that are free there: a rehearsal has few rows, and the machine other needs
HASTY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off")
"""Of a private server that is deleted after its only use: nothing of it has to outlive a crash."""


@contextmanager
def open_scratch(
    address: DatabaseAddress, environment: Environment, traits: Traits, key: str
) -> Iterator[Engine]:
    """An engine on a new, empty database of a server, for the block; `key` is of this one alone.

    Raises:
        UsageError: the role may not create a database, or not drop it.
        Unreachable: no connection.
    """
    with (
        _scratch(address, environment, traits, key) as (name, own),
        closing(open_engine(replace(address, database=name), own)) as engine,
    ):
        yield engine


@contextmanager
def open_private_scratch(
    environment: Environment,
    traits: Traits,
    own_roles: Collection[str],
    key: str,
    installation: Installation | None = None,
) -> Iterator[Engine]:
    """An engine on an empty database of a PostgreSQL that is started for the block; without an
    `installation` it is the wheel's.

    It has the roles of `traits` but `own_roles`, which the migrations create. What runs on the
    engine runs as the user of `traits`, who owns the database and is no superuser.

    Raises:
        ConfigurationError, Unreachable: it cannot be run here.
    """
    own, name = _with_history_of(traits, environment), NAME + key
    with _start_private(environment, traits, own_roles, name, installation) as address:
        login = replace(address, database=name, user=traits.user)
        with closing(open_engine(login, own)) as engine:
            yield engine


def make_schemas(engine: Engine, names: Iterable[str]) -> None:
    """Makes schemas that the live database had before its migrations."""
    for name in names:
        engine.session.execute(f"create schema {engine.session.quote(name)}")


def make_extensions(engine: Engine, extensions: Iterable[Extension]) -> None:
    """Makes the extensions that an administrator has made where it is live, as far as the account
    may and the server has them."""
    for one in extensions:
        name, schema = engine.session.quote(one.name), engine.session.quote(one.schema)
        with suppress(ServerError):
            engine.session.execute(f"create extension {name} schema {schema}")


def empty_database(address: DatabaseAddress, environment: Environment) -> None:
    """Makes a database an empty one.

    Raises:
        UsageError: the role may not.
        Unreachable: no connection.
    """
    with closing(open_engine(address, environment)) as engine:
        traits, anchor = engine.scratch.read_traits(), engine.scratch.anchor
    with closing(open_engine(replace(address, database=anchor), environment)) as server:
        try:
            server.scratch.recreate_database(address.database, traits)
        except ServerError as refused:
            raise UsageError(
                f"The database {address.database} cannot be emptied: {refused}.",
                why="It is dropped and created again.",
                do="Use a role that owns it and may create databases.",
            ) from refused


@contextmanager
def _scratch(
    address: DatabaseAddress, environment: Environment, traits: Traits, key: str
) -> Iterator[tuple[str, Environment]]:
    """The name of a database that there is within the block, and the environment as it is there."""
    name, own = NAME + key, _with_history_of(traits, environment)
    try:
        with closing(open_engine(address, own)) as server, _explained("created", name):
            server.scratch.create_database(name, traits)
        yield name, own
    finally:
        _drop_surely(name, address, own)


def _with_history_of(traits: Traits, environment: Environment) -> Environment:
    """The environment as it is on a scratch database."""
    history = {"table": environment.history.table, "schema": traits.history_schema}
    return environment.model_copy(update={"history": History.model_validate(history)})


def quick_folder(variables: Mapping[str, str], memory: Path = MEMORY) -> Path | None:
    """Where the thousand files of a private server are made in no time: in memory, where it has
    room. None: in the temporary folder, which TMPDIR names."""
    if variables.get("TMPDIR") or not os.access(memory, os.W_OK | os.X_OK):
        return None
    return memory if shutil.disk_usage(memory).free >= ROOM else None


@contextmanager
def _start_private(
    environment: Environment,
    traits: Traits,
    own_roles: Collection[str],
    name: str,
    installation: Installation | None,
) -> Iterator[DatabaseAddress]:
    """The address of a private server, which has an empty database of this name. It goes with the
    server."""
    from lockgate.executors.postgresql.private_roles import (
        ADMINISTRATOR,
        begin_administration,
        create_roles,
        give_public,
        take_database,
        trust_extensions,
    )
    from lockgate.executors.postgresql.scratch import PUBLIC_OWNER, PostgreSQLScratch
    from lockgate.executors.programs.embedded import start_embedded

    with tempfile.TemporaryDirectory(prefix=NAME, dir=quick_folder(os.environ)) as folder:
        Path(folder).chmod(0o755)  # root's server runs as another account
        private = Path(folder) / "server"
        with start_embedded(
            private, confined=True, settings=HASTY, installation=installation
        ) as address:
            beside = replace(address, database=PostgreSQLScratch.anchor)
            with closing(open_engine(beside, environment)) as server:
                begin_administration(server)
            administrator = replace(beside, user=ADMINISTRATOR)
            with closing(open_engine(administrator, environment)) as server:
                create_roles(server, traits, own_roles)
                trust_extensions(server, Path(folder))
                take_database(server, address.database, name, traits)
            if PUBLIC_OWNER in traits.settings:
                own = replace(administrator, database=name)
                with closing(open_engine(own, environment)) as server:
                    give_public(server, traits)
            yield address


def _drop_surely(name: str, address: DatabaseAddress, environment: Environment) -> None:
    """Drops the database; a second signal does not come, so the second try is not interrupted."""
    try:
        _drop(name, address, environment)
    except Interrupted:
        _drop(name, address, environment)
        raise


def _drop(name: str, address: DatabaseAddress, environment: Environment) -> None:
    with closing(open_engine(address, environment)) as server, _explained("dropped", name):
        server.scratch.drop_database(name)


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
