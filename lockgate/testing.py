"""Databases for tests: one is migrated, and each test gets a clone of it. Prints nothing.

`lockgate.pytest_plugin` makes fixtures of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from lockgate.executors.engine import Engine, Traits, open_engine
from lockgate.executors.programs.embedded import discard_embedded, start_embedded
from lockgate.executors.scratch import quick_folder
from lockgate.planner.database.address import DatabaseAddress
from lockgate.planner.database.catalogue import Catalogue, differences
from lockgate.planner.environments.environment import Environment, resolve_database
from lockgate.planner.environments.policy import PolicySettings
from lockgate.planner.errors import IrreversibleMigration
from lockgate.planner.plan.drift import made_by_migrations
from lockgate.planner.value import replace
from lockgate.plans.making import Request
from lockgate.runs.at_once import apply_at_once
from lockgate.status import stand_of
from lockgate.workspace import Workspace, load_migrations, run_secret_command

FAST = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"),
    *("autovacuum=off", "max_wal_size=128MB", "file_copy_method=clone"),
)
"""Settings of a server whose data need not survive a crash; the last is new in the wheel's 18."""
PREFIX = "lockgate-pytest-"


@dataclass(frozen=True)
class TestDatabase:
    """A database for one test. `url` has the password in it."""

    __test__ = False

    name: str
    url: str


@dataclass(frozen=True)
class Template:
    """A migrated database, to be cloned; `engine` is a session on another one of its server."""

    name: str
    environment: Environment
    address: DatabaseAddress
    engine: Engine
    traits: Traits

    @contextmanager
    def clone(self) -> Iterator[TestDatabase]:
        """A database with all migrations applied, for the block."""
        address = replace(self.address, database=_new_name())
        self.engine.scratch.clone_database(self.name, address.database, self.traits)
        try:
            yield TestDatabase(address.database, address.renewed().secret_url)
        finally:
            self.engine.scratch.drop_database(address.database)

    @contextmanager
    def stairway(self) -> Iterator[Stairway]:
        """The migrations on an empty database, for the block."""
        with (
            _emptiness(self.engine, self.traits) as name,
            closing(self._open(name)) as engine,
        ):
            yield Stairway(Workspace(self.environment, engine))

    def migrate(self) -> None:
        """Applies all migrations."""
        with closing(self._open(self.name)) as engine:
            _run(Workspace(self.environment, engine), Request(allow_non_atomic=True))

    def _open(self, name: str) -> Engine:
        return open_engine(replace(self.address, database=name), self.environment)


@dataclass(frozen=True)
class Stairway:
    """An empty database on which each migration is tried with its way back."""

    work: Workspace

    def walk(self) -> None:
        """Applies each migration, rolls it back and applies it again; one without a way back is
        only applied.

        Raises:
            AssertionError: the schema after a way back is not the one before it, or that of the
                second time is not that of the first.
        """
        stand = stand_of(self.work, load_migrations(self.work.environment))
        for version in (standing.version for standing in stand.standings):
            up = Request(to=version, allow_non_atomic=True)
            before = self._schema()
            _run(self.work, up)
            after = self._schema()
            try:
                _run(self.work, Request(steps=1, allow_non_atomic=True))
            except IrreversibleMigration:
                continue
            self._compare(before, f"{version} and its way back leave")
            _run(self.work, up)
            self._compare(after, f"{version}, applied a second time, leaves")

    def _schema(self) -> Catalogue:
        return made_by_migrations(self.work.engine.survey.read_catalogue())

    def _compare(self, expected: Catalogue, what: str) -> None:
        found = differences(expected, self._schema())
        lines = [line for one in found for line in (f"{one.object} ({one.change})", *one.lines)]
        assert not found, "\n".join([f"{what} another schema:", *lines])


@contextmanager
def open_template(environment: Environment, home: Path | None = None) -> Iterator[Template]:
    """A migrated database for the block, on the environment's server, or on an embedded one of the
    tests' own, whose data is in `home`, by itself in memory where that has room. The environment's
    policies are not asked: no one reviews what a test applies."""
    free = environment.model_copy(update={"policy": PolicySettings()})
    with _server(free, home) as address, closing(open_engine(address, free)) as engine:
        traits = engine.scratch.read_traits()
        with _emptiness(engine, traits) as name:
            template = Template(name, free, address, engine, traits)
            template.migrate()
            yield template


@contextmanager
def _server(environment: Environment, home: Path | None) -> Iterator[DatabaseAddress]:
    project, memory = environment.folder.project, quick_folder(os.environ)
    if environment.database != "embedded":
        yield resolve_database(environment, os.environ, run_secret_command)
    elif home or not memory:
        with start_embedded(home or project / ".lockgate" / "pytest", settings=FAST) as address:
            yield address
    else:
        with _server_in(memory, project) as address:
            yield address


@contextmanager
def _server_in(memory: Path, project: Path) -> Iterator[DatabaseAddress]:
    """The server in memory that all sessions of a user's project share; the last one removes it,
    and after a kill -9 the next."""
    key = f"{os.getuid()} {project.resolve()}"
    home = memory / f"{PREFIX}{sha256(key.encode()).hexdigest()[:16]}"
    try:
        with start_embedded(home, settings=FAST) as address:
            yield address
    finally:
        discard_embedded(home)


@contextmanager
def _emptiness(engine: Engine, traits: Traits) -> Iterator[str]:
    """The name of an empty database that is there within the block."""
    name = _new_name()
    engine.scratch.create_database(name, traits)
    try:
        yield name
    finally:
        engine.scratch.drop_database(name)


def _run(work: Workspace, request: Request) -> None:
    apply_at_once(work, request, lambda event: None, lambda plan: None)


def _new_name() -> str:
    return f"lockgate_pytest_{uuid4().hex[:12]}"
