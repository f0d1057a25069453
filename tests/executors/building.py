"""Environments, sessions and plans for tests, from literals: no file is read or written.

It must not start a server: a test hands one in. Servers are those of `tests.servers`.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from lockgate.executors.apply import Author, Report, apply
from lockgate.executors.engine import Engine, open_engine
from lockgate.executors.events import Emit, Event
from lockgate.executors.failure import Failure
from lockgate.planner.building.build import Setting, build_down_plan, build_up_plan
from lockgate.planner.building.compare import Comparison, compare
from lockgate.planner.database.ledger import Identity, Ledger
from lockgate.planner.environments.environment import Environment, resolve_database
from lockgate.planner.environments.folder import EnvironmentsFolder
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.plan import Plan, Source, seal
from lockgate.planner.plan.verify import encode_evidence
from lockgate.planner.sql.dialect import Dialect

AUTHOR = Author("tester@machine", "0.0.0", lambda: str(uuid.uuid4()))
UP = "-- migrate:up"
OUTSIDE = "-- migrate:up transaction:false"
HOLDER = """
import sys
from pathlib import Path
from lockgate.executors.engine import open_engine
from lockgate.planner.database.address import parse_url
from lockgate.planner.environments.environment import Environment
from lockgate.planner.environments.folder import EnvironmentsFolder
address = parse_url(sys.argv[1])
folder = EnvironmentsFolder(Path("environments"), Path())
keys = {"name": "holder", "folder": folder, "engine": address.engine}
environment = Environment.model_validate({"database": {"url": sys.argv[1]}, **keys})
with open_engine(address, environment).lock.hold(10, print):
    print("held", flush=True)
    sys.stdin.read()
"""


@dataclass
class Recorder:
    """An `emit` that keeps what it was told."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind, in their order."""
        return [event for event in self.events if isinstance(event, kind)]


def environment_for(
    server: Any,
    database: str,
    /,
    *,
    port: int | None = None,
    user: str = "",
    name: str = "test",
    **settings: Any,
) -> Environment:
    """The environment of a database, as if read from YAML with these `settings`.

    `port` is a proxy's, in place of the server's own; `user` needs no password.
    """
    url = server.url(database, port=port)
    if user:
        url = f"{server.engine}://{user}@{server.host}:{port or server.port}/{database}"
    folder = EnvironmentsFolder(Path("environments"), Path())
    own = {"name": name, "folder": folder, "engine": server.engine}
    return Environment.model_validate({"database": {"url": url}, **own, **settings})


@contextmanager
def open_test_engine(server: Any, database: str, /, **settings: Any) -> Iterator[Any]:
    """An engine on a database, closed at the end; `settings` as in `environment_for`."""
    environment = environment_for(server, database, **settings)
    engine = open_engine(resolve_database(environment, {}), environment)
    try:
        yield engine
    finally:
        engine.close()


@dataclass(frozen=True)
class ByHand:
    """SQL of a test in an engine's session, under the server's own search_path and settings."""

    engine: Any

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """The number of rows that a statement touched."""
        with self._as_given():
            return int(self.engine.session.execute(sql, parameters))

    def query_one(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first row of a query, or None."""
        with self._as_given():
            return self.engine.session.query_one(sql, parameters)

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Every row of a query."""
        with self._as_given():
            return list(self.engine.session.query_all(sql, parameters))

    def _as_given(self) -> AbstractContextManager[None]:
        given = getattr(self.engine.session, "as_given", nullcontext)
        context: AbstractContextManager[None] = given()
        return context


def by_hand(engine: Any) -> ByHand:
    """For SQL that names what a migration names, as lockgate's own statements may not."""
    return ByHand(engine)


def begin_ledger(server: Any, database: str) -> None:
    """Makes an empty ledger, so that no command asks whose the tables of the database are."""
    with open_test_engine(server, database) as engine:
        engine.store.ensure_tables(new_identity(engine))


@contextmanager
def lock_held_elsewhere(server: Any, database: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the migration lock of a database; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, server.url(database)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


def read_literals(migrations: Mapping[str, str], dialect: Dialect) -> tuple[Migration, ...]:
    """Migrations from texts by name, `{"001_create": "create table t (id int)"}`, in order.

    A text without `-- migrate:up` gets that line in front, so its SQL begins on line 2.
    """
    return order(
        [
            read_migration(f"{name}.sql", _whole(text).encode(), dialect)
            for name, text in migrations.items()
        ]
    )


def plan_for(
    engine: Engine,
    migrations: Mapping[str, str],
    *,
    ledger: Ledger | None = None,
    to: str | None = None,
    **setting: Any,
) -> Plan:
    """The plan that brings a database up to these migrations; `setting` as in `Setting`."""
    ledger = engine.store.read_ledger() if ledger is None else ledger
    comparison = _compare(engine, migrations, ledger)
    return seal(build_up_plan(comparison, ledger, setting_for(engine, **setting), to=to))


def down_plan_for(
    engine: Engine, migrations: Mapping[str, str], *, steps: int = 1, **setting: Any
) -> Plan:
    """The plan that rolls the last `steps` of these migrations back."""
    ledger = engine.store.read_ledger()
    comparison = _compare(engine, migrations, ledger)
    setting_of_it = setting_for(engine, **setting)
    return seal(build_down_plan(comparison, ledger, setting_of_it, steps=steps))


def setting_for(
    engine: Engine,
    *,
    project: str = "default",
    environment: str = "test",
    transaction: Literal["plan", "step"] = "plan",
    max_age: timedelta | None = None,
    allow_out_of_order: bool = False,
    copy_limit: float | None = None,
) -> Setting:
    """What a plan of a test is made for."""
    return Setting(
        project=project,
        environment=environment,
        server=engine.server,
        source=Source(commit=None, dirty=None, digest="0" * 64),
        tool_version="0.0.0",
        max_age=max_age,
        transaction=transaction,
        allow_out_of_order=allow_out_of_order,
        facts=engine.survey.read_facts(),
        copy_limit=copy_limit,
    )


def apply_plan(
    engine: Engine, plan: Plan, *, wait: float = 0.0, emit: Emit | None = None
) -> Report:
    """Applies a plan as the tests' author."""
    return apply(plan, engine, AUTHOR, wait=wait, emit=emit or Recorder())


def apply_up(
    engine: Engine, migrations: Mapping[str, str], *, emit: Emit | None = None, **setting: Any
) -> Report:
    """Plans and applies what is pending of these migrations."""
    return apply_plan(engine, plan_for(engine, migrations, **setting), emit=emit)


def new_identity(
    engine: Engine, *, project: str = "default", environment: str = "test"
) -> Identity:
    """A fresh identity for an engine's database."""
    evidence = encode_evidence(engine.server.evidence)
    return Identity(str(uuid.uuid4()), project, environment, evidence)


def rebind(engine: Engine) -> None:
    """Gives an engine's database another identity."""
    before = engine.store.read_ledger().identity
    assert before is not None
    engine.store.rebind(before, new_identity(engine), AUTHOR)


def failure_of(error: BaseException) -> Failure:
    """The refused statement that an error tells of."""
    failure = getattr(error, "failure", None)
    assert isinstance(failure, Failure)
    return failure


def create_tables(count: int, first: int = 1) -> dict[str, str]:
    """Migrations that create a table each: t1, t2 and so on."""
    return {
        f"{number:03}_t{number}": f"create table t{number} (id int primary key);\n"
        for number in range(first, first + count)
    }


def _whole(text: str) -> str:
    return text if "-- migrate:up" in text else f"{UP}\n{text}"


def _compare(engine: Engine, migrations: Mapping[str, str], ledger: Ledger) -> Comparison:
    return compare(read_literals(migrations, engine.server.dialect), ledger)
