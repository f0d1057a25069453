"""What most commands begin with, and `.env`: an environment, a session on it, its migrations."""

from __future__ import annotations

import getpass
import importlib
import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate import __version__
from lockgate.planner.environments.environment import (
    BARE,
    Environment,
    bare_environment,
    read_environment,
    resolve_database,
)
from lockgate.planner.environments.folder import EnvironmentsFolder, find_environments
from lockgate.planner.environments.libpq import read_defaults
from lockgate.planner.errors import Locked, Unreachable, UsageError
from lockgate.planner.migrations.directory import Directory, read_migrations
from lockgate.planner.project import is_outside
from lockgate.planner.quantities import format_duration
from lockgate.planner.sql.dialect import DIALECTS
from lockgate.planner.value import frozen, replace
from lockgate.signals import deferred_signals

if TYPE_CHECKING:
    from lockgate.executors.apply import Author
    from lockgate.executors.engine import Engine
    from lockgate.executors.events import LockHolder
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.ledger import Ledger


@frozen
class Workspace:
    """An environment with an open session on its database."""

    environment: Environment
    engine: Engine
    is_exposed: bool = False
    """Others on the network can read along, and that was not asked for."""


def load_environment(name: str, folder: EnvironmentsFolder | None) -> Environment:
    """The environment of this name, from a folder or the nearest one upwards; without any folder
    that of DATABASE_URL. `production/tenant_7` is one target of the fleet `production`."""
    name, _, target = name.partition("/")
    if target:
        return _load_member(load_environment(name, folder), target)
    try:
        found = folder or nearest_environments()
    except UsageError:
        url = database_url(Path.cwd())
        if name != BARE or not url:
            raise
        elsewhere = libpq_defaults if "DATABASE_URL" in os.environ else None
        return bare_environment(url, Path.cwd(), source="DATABASE_URL", elsewhere=elsewhere)
    return read_environment(name, found.path, variables=os.environ, project=found.project)


def _load_member(environment: Environment, target: str) -> Environment:
    from lockgate.executors.fleet.targets import find_places

    with deferred_signals():
        importlib.import_module(f"lockgate.executors.{environment.engine}")
    with open_address(environment) as address:
        places = find_places(environment, address, os.environ)
    found = next((place for place in places if place.name == target), None)
    if found is None:
        raise UsageError(
            f"The fleet of {environment.name} has no target {target}.",
            do=f"`migrate status -e {environment.name} --targets` lists them.",
        )
    return environment.member(found)


def libpq_defaults(service: str | None) -> dict[str, str]:
    """What libpq takes where a URL of the user's own does not say it."""
    return read_defaults(service, os.environ)


def nearest_environments() -> EnvironmentsFolder:
    """The nearest folder of environments upwards.

    Raises:
        UsageError: there is none.
    """
    path = find_environments(Path.cwd())
    return EnvironmentsFolder(path, path.parent)


def database_url(project: Path) -> str | None:
    """DATABASE_URL, of the process environment or else of the project's file `.env`.

    Nothing else of that file is used, and no variable in it is replaced: it may be a stranger's.
    """
    if "DATABASE_URL" in os.environ or not (project / ".env").is_file():
        return os.environ.get("DATABASE_URL")
    from dotenv import dotenv_values

    return dotenv_values(project / ".env", interpolate=False).get("DATABASE_URL")


@contextmanager
def open_workspace(environment: Environment) -> Iterator[Workspace]:
    """A session on an environment's database for the block; starts an embedded one.

    Raises:
        UsageError: it is a fleet, of many databases.
    """
    if environment.fleet is not None:
        raise UsageError(
            f"{environment.name} is a fleet of many databases, and this is done with one.",
            do=f"Name one: `-e {environment.name}/TARGET`.",
        )
    with deferred_signals():
        from lockgate.executors.engine import open_engine

        importlib.import_module(f"lockgate.executors.{environment.engine}")
    with open_address(environment) as address, closing(open_engine(address, environment)) as engine:
        is_exposed = engine.session.is_exposed and not address.is_local
        yield Workspace(environment, engine, is_exposed)


def await_server(environment: Environment, seconds: float) -> None:
    """Returns when an environment's server answers.

    Raises:
        Unreachable: it did not answer in time.
    """
    from lockgate.executors.polling import poll

    missing: list[Unreachable] = []

    def answers() -> bool:
        try:
            with open_workspace(environment):
                return True
        except Unreachable as error:
            missing[:] = [error]
            return False

    if environment.database != "embedded" and not poll(answers, seconds, lambda waited: None):
        missing[0].why = f"Waited for {format_duration(seconds)}."
        raise missing[0]


@contextmanager
def open_address(environment: Environment) -> Iterator[DatabaseAddress]:
    """Where an environment's database is, for the block; starts an embedded one."""
    if environment.database != "embedded":
        yield resolve_database(environment, os.environ, run_secret_command)
        return
    from lockgate.executors.programs.embedded import start_embedded

    with start_embedded(environment.embedded_directory) as address:
        yield environment.place.over(address) if environment.place else address


def run_secret_command(command: Sequence[str], environment: Environment) -> str:
    """What a command of an environment prints, within the time that connecting may take."""
    from lockgate.executors.programs.secret_command import print_secret

    return print_secret(command, environment.folder.project, environment.timeouts.connect)


def look(engine: Engine) -> tuple[Ledger, LockHolder | None]:
    """The ledger, read without the lock, and the session whose run is in progress, if any."""
    ledger = engine.store.read_ledger()
    if not ledger.unresolved:
        return ledger, None
    holder = engine.lock.holder()
    # It may have ended between the two questions.
    return (ledger, holder) if holder else (engine.store.read_ledger(), None)


def read_settled(engine: Engine) -> Ledger:
    """The ledger, read without the lock by a command that builds on it.

    Raises:
        Locked: a run is in progress.
    """
    ledger, holder = look(engine)
    if holder:
        raise _under_way(holder)
    return ledger


def refuse_running(engine: Engine) -> None:
    """Raises Locked when a session holds the migration lock."""
    holder = engine.lock.holder()
    if holder:
        raise _under_way(holder)


def _under_way(holder: LockHolder) -> Locked:
    return Locked(
        f"A run is under way: {holder} holds the migration lock.",
        why="What it has done so far may be undone yet, and is not in the history.",
        do="Wait for it to end (`migrate lock` shows who holds the lock), and try again.",
    )


def load_migrations(environment: Environment) -> Directory:
    """The migrations of an environment's directory; a warning tells where it is outside of the
    project, which a reader of the project's changes does not see."""
    found = read_migrations(
        environment.migrations_directory,
        DIALECTS[environment.engine],
        environment.migrations_format,
        environment.decided,
    )
    if not is_outside(Path(environment.migrations_place), environment.folder.project):
        return found
    warning = f"The migrations in {environment.migrations_place} are outside of the project."
    return replace(found, warnings=(warning, *found.warnings))


def refuse_other_format(environment: Environment) -> None:
    """Raises UsageError when an environment's migrations are in another tool's format: a new file
    in ours would be none of them."""
    from lockgate.planner.migrations.format import load_format
    from lockgate.planner.migrations.migration import OWN

    name = find_format(environment)
    if name != OWN:
        known = load_format(name)
        raise UsageError(
            f"The migrations of {environment.name} are in the format of {known.TOOL}.",
            why="A file of lockgate's own would not be one of them.",
            do=f"Make the file as its tool has it: {known.LAYOUT}.",
        )


def find_format(environment: Environment) -> str:
    """The name of the format of an environment's migrations; ours where there are none."""
    from lockgate.planner.migrations.directory import recognise_format
    from lockgate.planner.migrations.format import ALIASES, AUTO
    from lockgate.planner.migrations.migration import OWN

    name, path = environment.migrations_format, environment.migrations_directory
    if name == AUTO:
        name = recognise_format(path) if path.is_dir() else OWN
    return ALIASES.get(name, name)


def author(deadline: float | None = None, emergency: str = "") -> Author:
    """Who runs this process, as the audit trail shows it: claims of the process. `deadline` is when
    batches are to stop, by the monotonic clock in seconds; `emergency` is why it passes over
    policies."""
    from lockgate.ci_job import read_job
    from lockgate.executors.apply import Author

    job = read_job(os.environ)
    return Author(read_actor(), __version__, lambda: str(uuid.uuid4()), job, deadline, emergency)


def read_actor() -> str:
    """The user and the machine of this process, as it says itself."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
