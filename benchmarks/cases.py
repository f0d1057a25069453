"""The cases, one function each: what is done, and the results with their bars."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.databases import databases_of_tests
from benchmarks.dbmate import dbmate
from benchmarks.measure import FLOOR, Result, Usage, median_ratio, migrate, run
from benchmarks.projects import related_table, seed, small_migrations, write_project
from tests.servers.mariadb import MariaDBServer
from tests.servers.mysql import MySQLServer
from tests.servers.postgres import PostgresServer

PAIRS = 5
"""How often what takes less than a few seconds is measured."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where cases run: an empty folder, a running server, and dbmate, where it is at hand."""

    folder: Path
    server: Any
    binary: Path | None

    def url(self) -> str:
        """The address of a new database."""
        return str(self.server.url(self.server.new_database()))

    def project(self, name: str, files: Any) -> Path:
        """A project for a new database."""
        return write_project(self.folder / name, self.url(), files)


SERVERS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "postgresql": PostgresServer,
    "mysql": MySQLServer,
    "mariadb": MariaDBServer,
}


def seed_on_postgresql(bench: Bench) -> Iterator[Result]:
    """20 MB of INSERTs: what each command costs of what `validate` does."""
    folder = bench.project("seed", seed(20))
    validated = migrate(folder, "validate")
    planned = migrate(folder, "plan")
    applied = migrate(folder, "apply", "plan.json")
    for command, usage, bar in (("plan", planned, 1.3), ("apply", applied, 0.8)):
        yield _cpu_ratio(f"20 MB of INSERTs: {command} / validate", usage, validated, bar)


def seed_on_mysql(bench: Bench) -> Iterator[Result]:
    """The same, planned and applied in one."""
    folder = bench.project("seed", seed(20))
    validated = migrate(folder, "validate")
    yield _cpu_ratio("20 MB of INSERTs: up / validate", migrate(folder, "up"), validated, 2.0)


def large_seed(bench: Bench) -> Iterator[Result]:
    """200 MB in one file, with the packet that the server allows by itself."""
    folder = bench.project("large", seed(200))
    size = next((folder / "migrations").iterdir()).stat().st_size / 1024**2
    usage = migrate(folder, "up")
    yield Result("200 MB of INSERTs: memory of up / file", usage.memory / size, "x", 3.0)


def many_small(bench: Bench) -> Iterator[Result]:
    """1,000 migrations of a table each, up and down again, beside dbmate."""
    folder = bench.project("many", small_migrations(1_000))
    up = migrate(folder, "up")
    yield from _beside_dbmate(bench, folder, up, "1,000 small: up", cpu=2.0, wall=1.0)
    down = migrate(folder, "down", "--to", "0")
    yield Result("1,000 small: down to nothing", down.wall, "s", 1.5, f"CPU {down.cpu:.2f} s")


def very_many(bench: Bench) -> Iterator[Result]:
    """10,000 migrations: planning is linear, in time and in memory."""
    planned = {
        count: migrate(bench.project(f"plan{count}", small_migrations(count)), "plan")
        for count in (1_000, 10_000)
    }
    small, large = planned[1_000], planned[10_000]
    yield Result("10,000 small: plan, CPU", large.cpu, "s", 5.0, f"of 1,000: {small.cpu:.2f} s")
    yield Result("10,000 small: plan, memory", large.memory, "MiB", 250.0)
    yield Result("plan of 10,000 / of 1,000, CPU", large.cpu / small.cpu, "x", 10.0)


def page(bench: Bench) -> Iterator[Result]:
    """4,000 migrations as a page for the browser."""
    folder = bench.project("page", small_migrations(4_000))
    migrate(folder, "plan")
    html = migrate(folder, "show", "plan.json", "--format", "html")
    yield Result("4,000 small: page, CPU", html.cpu, "s", 3.0)


def start_up(bench: Bench) -> Iterator[Result]:
    """What commands on 100 migrations cost beside the least that such a program can."""
    folder = bench.project("hundred", small_migrations(100))
    migrate(folder, "up")
    migrate(folder, "status")  # all of it is compiled
    floors = [run([sys.executable, "-c", FLOOR]) for _ in range(PAIRS)]
    statuses = [migrate(folder, "status") for _ in range(PAIRS)]
    yield _floor_ratio("status of 100, nothing pending / floor", statuses, floors, 1.1)
    ups = []
    for number in range(101, 101 + PAIRS):
        *_, (name, text) = small_migrations(number)
        (folder / "migrations" / name).write_text(text)
        ups.append(migrate(folder, "up"))
    yield _floor_ratio("up of one on 100 / floor", ups, floors, 1.35)


def hundred_on_mysql(bench: Bench) -> Iterator[Result]:
    """100 migrations of a table each, beside dbmate."""
    folder = bench.project("hundred", small_migrations(100))
    yield from _beside_dbmate(bench, folder, migrate(folder, "up"), "100 small: up", wall=1.3)


def related_on_mysql(bench: Bench) -> Iterator[Result]:
    """400 tables that refer to each other, as a real folder has them, beside dbmate."""
    folder = bench.project("related", small_migrations(400, related_table))
    yield from _beside_dbmate(bench, folder, migrate(folder, "up"), "400 related: up", wall=1.3)


def tests_on_databases(bench: Bench) -> Iterator[Result]:
    """1,000 tests by the pytest plugin, on a server of their own."""
    yield from databases_of_tests(bench.folder)


CASES: dict[str, tuple[Callable[[Bench], Iterator[Result]], ...]] = {
    "postgresql": (
        *(start_up, many_small, very_many, page, tests_on_databases),
        *(seed_on_postgresql, large_seed),
    ),
    "mysql": (hundred_on_mysql, related_on_mysql, seed_on_mysql, large_seed),
    "mariadb": (seed_on_mysql, large_seed),
}
"""By the server that they run on."""


def _cpu_ratio(case: str, one: Usage, other: Usage, bar: float) -> Result:
    return Result(case, one.cpu / other.cpu, "x", bar, f"{one.cpu:.2f} s / {other.cpu:.2f} s")


def _floor_ratio(case: str, ones: list[Usage], floors: list[Usage], bar: float) -> Result:
    pairs = [(one.cpu, floor.cpu) for one, floor in zip(ones, floors, strict=True)]
    return Result(case, median_ratio(pairs), "x", bar, f"floor {floors[0].cpu:.2f} s")


def _beside_dbmate(
    bench: Bench, folder: Path, usage: Usage, case: str, **bars: float
) -> Iterator[Result]:
    """The same files by dbmate on a new database: nothing where it is not at hand."""
    if bench.binary is None:
        return
    other = dbmate(bench.binary, bench.url(), folder / "migrations", "up")
    for measure, bar in bars.items():
        one, another = getattr(usage, measure), getattr(other, measure)
        detail = f"{one:.2f} s / {another:.2f} s"
        yield Result(f"{case}, {measure} / dbmate's", one / another, "x", bar, detail)
