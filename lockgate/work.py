"""What most commands begin with: an environment, a session on its database, its migrations."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate import __version__
from lockgate.source import read_source
from planner.build import Setting
from planner.compare import Comparison, compare
from planner.dialect import DIALECTS
from planner.directory import Directory, read_migrations
from planner.environment import (
    Environment,
    find_environments,
    read_environment,
    resolve_database,
)
from planner.ledger import Ledger
from planner.server import Server

if TYPE_CHECKING:
    from executors.apply import Author
    from executors.engine import Engine


@dataclass(frozen=True)
class Work:
    """An environment with an open session on its database."""

    environment: Environment
    engine: Engine


def load_environment(name: str, folder: Path | None) -> Environment:
    """The environment of this name, from a folder or the nearest one upwards."""
    return read_environment(name, folder or find_environments(Path.cwd()), variables=os.environ)


@contextmanager
def open_work(environment: Environment) -> Iterator[Work]:
    """A session on an environment's database for the block; starts an embedded one."""
    from executors.engine import open_engine

    with ExitStack() as stack:
        if environment.database == "embedded":
            from executors.embedded import start_embedded

            address = stack.enter_context(start_embedded(environment.embedded_directory))
        else:
            address = resolve_database(environment, os.environ)
        engine = open_engine(address, environment)
        stack.callback(engine.close)
        yield Work(environment, engine)


def load_migrations(environment: Environment) -> Directory:
    """The migrations of an environment's directory."""
    return read_migrations(environment.migrations_directory, DIALECTS[environment.engine])


def compare_with(directory: Directory, ledger: Ledger) -> Comparison:
    """How a directory and a ledger differ."""
    return compare(directory.migrations, ledger)


def setting(environment: Environment, server: Server, directory: Directory) -> Setting:
    """What a plan of this environment is made for."""
    age = environment.max_plan_age
    return Setting(
        project=environment.project,
        environment=environment.name,
        server=server,
        source=read_source(environment.migrations_directory, directory.digest),
        tool_version=__version__,
        max_age=None if age is None else timedelta(seconds=age),
        transaction=environment.transaction,
        allow_out_of_order=environment.allow_out_of_order,
        variables=environment.variables,
        warnings=directory.warnings,
    )


def author() -> Author:
    """Who runs this process, as the audit trail shows it."""
    from executors.apply import Author

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = f"uid {os.getuid()}"
    return Author(f"{user}@{socket.gethostname()}", __version__, lambda: str(uuid.uuid4()))
