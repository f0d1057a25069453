"""A fleet on servers of its own that may be killed: its targets, what is planted, what is true."""

import random
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from lockgate.executors.states import UNDER_WAY, RunStatus, listed
from tests.commands.running import Project
from tests.proxy import Proxy
from tests.servers.mysql import MySQLServer
from tests.servers.postgres import PostgresServer

BASE = ("create table t (id int primary key, n int, d int);\ninsert into t values (1, 0, 0);",
        "drop table t;")  # fmt: skip
COUNTED = ("update t set n = n + 1;", "update t set d = d + 1;")
"""What tells how often it was applied, and how often rolled back."""
CHANGED = ("alter table t add column c int;", "alter table t drop column c;")
OPEN = listed({*UNDER_WAY, RunStatus.COMPENSATING, RunStatus.STUCK})
"""States of a run that nobody has settled."""
LATENCY = 0.002
OWN = 10
"""On PostgreSQL one target in so many is a database of its own; the others are schemas of one."""
MANY = 100
"""With fewer, all are schemas: of a handful of databases those that drift would be most."""
SETTINGS = """
engine: {engine}
database: {{url_env: TEST_URL}}
fleet:
  targets: {{file: tenants.yaml}}
  crew: procrastinate
  control: {{url_env: CONTROL_URL}}
  waves: [3, 10%, 100%]
  parallel: 2
  per_host: 4
  failures: {{total: {total}, consecutive: 1000}}
drift: check
lock: {{wait: 5s}}
timeouts: {{lock: 1s, connect: 20s}}
retries: {{lock: 0}}
"""


Truth = tuple[list[str], int, int, int]


@dataclass(slots=True)
class Target:
    """A database or schema; one in four is far, reached by way of a slow proxy. `late` is how many
    runs it has missed, None for one that is left out for good; `role` is who logs in there."""

    name: str
    is_far: bool
    database: str
    schema: str | None = None
    late: int | None = 0
    role: str | None = None


@dataclass(slots=True)
class World:
    """The servers, the targets on one of them, and the project."""

    engine: str
    control: PostgresServer
    server: Any
    proxy: Proxy
    project: Project
    environ: dict[str, str]
    draw: random.Random
    targets: dict[str, Target] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    def add(self, database: str, schema: str | None = None) -> Target:
        """A new, empty target; a schema of a database that is there, or a database."""
        name = f"t{len(self.targets):05}_{secrets.token_hex(2)}"
        is_far = len(self.targets) % 4 == 3
        if schema is None:
            self.run(f"create database {name}")
            target = Target(name, is_far, name)
        else:
            self.run(f"create schema {name}", database)
            target = Target(name, is_far, database, name)
        self.targets[name] = target
        return target

    def drop(self, target: Target) -> None:
        """Drops a target; the fleet does not have it any more."""
        self.tell(target, f"drop schema {target.schema} cascade" if target.schema
                  else f"drop database {target.name}", at_home=target.schema is None)  # fmt: skip
        self.dropped.add(target.name)
        del self.targets[target.name]

    def write_targets(self) -> None:
        """Writes the file that names them."""
        entries = []
        for one in self.targets.values():
            port = self.proxy.port if one.is_far else self.server.port
            entry = {"name": one.name, "host": "127.0.0.1", "port": port,
                     "database": one.database, "schema": one.schema, "user": one.role}  # fmt: skip
            entries.append({key: value for key, value in entry.items() if value is not None})
        (self.project.folder / "tenants.yaml").write_text(yaml.safe_dump(entries))

    def run(self, sql: str, database: str | None = None) -> list[Any]:
        """The rows of a statement on the targets' server."""
        home = database or ("postgres" if self.engine == "postgresql" else None)
        with closing(self.server.connect(home)) as connection, connection.cursor() as cursor:
            for each in sql.split("; "):
                cursor.execute(each)
            return list(cursor.fetchall()) if cursor.description else []

    def tell(self, target: Target, sql: str, *, at_home: bool = False) -> list[Any]:
        """The rows of a statement that somebody else runs in a target."""
        if target.schema:
            sql = f"set search_path = {target.schema}; {sql}"
        return self.run(sql, None if at_home else target.database)

    def drift(self, targets: Sequence[Target]) -> None:
        """Changes each by hand, in another way."""
        for one in targets:
            self.tell(one, f"alter table t add column hand_{secrets.token_hex(4)} int")
            one.late = None

    def configure(self, total: str = "100%") -> None:
        """Writes the environment; `total` may fail before a run pauses."""
        self.project.write_environment("live", SETTINGS.format(engine=self.engine, total=total))

    def truths(self, targets: Iterable[Target]) -> Iterator[tuple[Target, Truth]]:
        """What each of these targets says: versions, how often it was applied and rolled back, and
        how many runs of it are not settled."""
        ordered = sorted(targets, key=lambda one: one.database)
        for database, own in groupby(ordered, key=lambda one: one.database):
            with closing(self.server.connect(database)) as connection:
                for target in own:
                    yield target, _truth(connection, target)


def _truth(connection: Any, target: Target) -> Truth:
    with connection.cursor() as cursor:

        def ask(sql: str) -> list[Any]:
            cursor.execute(sql)
            return list(cursor.fetchall())

        if target.schema:
            cursor.execute(f"set search_path = {target.schema}")
        versions = [v for (v,) in ask("select version from schema_migrations order by version")]
        ((n, d),) = ask("select n, d from t")
        return (
            versions,
            n,
            d,
            ask(f"select count(*) from lockgate_runs where status in {OPEN}")[0][0],
        )


def opened_world(stack: ExitStack, folder: Path, engine: str, count: int, seed: int) -> World:
    """A world with so many targets: schemas and databases on PostgreSQL, databases on MySQL."""
    draw = random.Random(seed)
    make: Any = PostgresServer if engine == "postgresql" else MySQLServer
    control = stack.enter_context(PostgresServer())
    server = stack.enter_context(make())
    proxy = stack.enter_context(Proxy("127.0.0.1", server.port, engine, latency=LATENCY))
    home = server.new_database()
    project = Project(folder, server.url(home))
    stack.callback(project.close)
    environ = {"CONTROL_URL": control.url(control.new_database())}
    project.write("001_base.sql", *BASE)
    world = World(engine, control, server, proxy, project, environ, draw)
    world.configure()
    for number in range(count):
        is_own = engine != "postgresql" or (count >= MANY and number % OWN == 0)
        world.add(home, None if is_own else "schema")
    world.write_targets()
    return world
