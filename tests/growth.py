"""Projects of any size as values, and how much work a command does on one: counted, not timed."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from cProfile import Profile
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from lockgate.planner.building.observation import Observation
from lockgate.planner.database.facts import ColumnFacts, Facts, TableFacts
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.environments.environment import Environment, read_environment
from lockgate.planner.plan.plan import Plan
from lockgate.planner.sql.dialect import DIALECTS
from lockgate.plans.making import Request, make_plan
from lockgate.workspace import load_migrations
from tests.planner.literals import IDENTITY, SERVER, ledger

ENVIRONMENT = """
database: {{url: "{engine}://shop@localhost/shop"}}
project: shop
policy: {{non_atomic: allow}}
"""


@dataclass(frozen=True)
class Size:
    """How large a project is: of what quadratic work could depend on, one at a time grows."""

    migrations: int = 3
    statements: int = 3
    """In each migration."""
    tables: int = 3
    """In the database before."""
    rows: int = 3
    """In each list of VALUES."""

    def times(self, factor: int, axis: str) -> Size:
        """The same, with one measure so many times as large."""
        return replace(self, **{axis: getattr(self, axis) * factor})


@dataclass(frozen=True)
class Project:
    """An environment's folder, and what its database says."""

    environment: Environment
    seen: Observation

    @property
    def applied(self) -> Observation:
        """What the database says after all has run."""
        files = load_migrations(self.environment).migrations
        return replace(self.seen, ledger=ledger(files))

    def plan(self, request: Request | None = None) -> Plan:
        """The plan that `migrate plan` makes."""
        return make_plan(self.environment, self.seen, request or Request())


def make_project(folder: Path, engine: str, size: Size) -> Project:
    """A project of this size. Its statements make, fill, change and drop: half of them what the
    database has, so that locks are held and data is lost. All is named after the folder: what
    was read for another project is not known for this one."""
    for name in ("environments", "migrations"):
        (folder / name).mkdir(parents=True)
    (folder / "environments" / "dev.yaml").write_text(ENVIRONMENT.format(engine=engine))
    for number in range(1, size.migrations + 1):
        path = folder / "migrations" / f"{number:05}_step.sql"
        up = "\n".join(_statements(folder.name, number, size))
        path.write_text(
            f"-- migrate:up\n{up}\n-- migrate:down\ndrop table {folder.name}_{number}_0;\n"
        )
    server = replace(SERVER, dialect=DIALECTS[engine], evidence=dict.fromkeys("ab", "1"))
    tables = {f"{folder.name}_{number}": _table(engine) for number in range(size.tables)}
    seen = Observation(server, Ledger(identity=IDENTITY), Facts(tables, strict=True))
    return Project(read_environment("dev", folder / "environments", variables={}), seen)


def _statements(name: str, number: int, size: Size) -> Iterator[str]:
    values = ", ".join(f"({row}, 'a {row}')" for row in range(size.rows))
    for place in range(size.statements):
        new = f"{name}_{number}_{place}"
        old = f"{name}_{(number * 7 + place) % size.tables}"
        yield from (
            f"create table {new} (id int primary key, a varchar(20));",
            f"insert into {new} values {values};",
            f"alter table {old} add column a_{number}_{place} int;",
            f"update {old} set id = id + 1;",
            f"alter table {new} drop column a;",
        )


def _table(engine: str) -> TableFacts:
    column = ColumnFacts("int", nullable=False)
    return TableFacts("InnoDB" if engine == "mysql" else "", 10**6, 1 << 20, {"id": column})


def count_calls(work: Callable[[], Any]) -> int:
    """How many functions are called, those in C too."""
    counter = Profile(subcalls=False)
    gc.disable()
    try:
        counter.runcall(work)
    finally:
        gc.enable()
    return sum(entry.callcount for entry in counter.getstats())


# They may be told where to begin, and so need not read the whole text.
FROM_A_PLACE = frozenset({"find", "rfind", "index", "rindex", "count", "startswith", "endswith"})


def count_characters(work: Callable[[], Any]) -> int:
    """How long the texts are together that methods in C read or copy as a whole, as `replace`,
    `lower` and `encode` do: one call each, however long the text is."""
    seen = 0

    def note(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal seen
        text = getattr(called, "__self__", None) if event == "c_call" else None
        if isinstance(text, str | bytes | bytearray) and called.__name__ not in FROM_A_PLACE:
            seen += len(text)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen


def measure_peak(work: Callable[[], Any]) -> int:
    """The bytes that are allocated at the peak."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
