"""A fleet of schemas on one PostgreSQL: what planning and applying cost, by their number.

`python -m benchmarks.fleets 100 1000 10000 --minutes 25`. CPU is the client's, and the server's by
the statistics of its processes' group; the probe is a small query of somebody else meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.dbmate import dbmate, fetch_dbmate
from benchmarks.measure import MIGRATE, Usage, migrate
from tests.servers.postgres import PostgresServer

SIZES = (100, 1_000)
LOOPED = 100
"""Targets of the loops that it is measured against."""
IDLE = 10.0
"""Seconds of the probe without anything else."""
BAR = 2.0
"""How many times its p99 without anything else that of the probe may be."""
WORKERS = 2
AT_ONCE = 4
"""Targets that are worked on at once, as `parallel` and `per_host` say."""
PROBE = """
import sys, threading, time, psycopg
over, times = threading.Event(), []
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    while not over.wait(0.02):
        began = time.perf_counter()
        connection.execute("select count(*) from pg_catalog.pg_class where relname = 'none'")
        times.append((time.perf_counter() - began) * 1000)
times = sorted(times) or [0.0]
print(times[len(times) // 2], times[len(times) * 99 // 100])
"""
"""A process of its own that asks fifty times a second, until its input ends."""


@dataclass
class Probe:
    """Milliseconds of a query, asked again and again: the median, and what one in 100 is above."""

    median: float = 0.0
    p99: float = 0.0


@contextmanager
def probing(server: Any) -> Iterator[Probe]:
    """Asks the server while the block runs."""
    probe = Probe()
    argv = [sys.executable, "-c", PROBE, server.url("postgres")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield probe
        finally:
            told = process.communicate()[0].split()
            probe.median, probe.p99 = map(float, told)


def server_cpu(pid: int) -> float:
    """Seconds of the server's processes, those that have ended among them."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended = sum(map(int, parts[11:15])) / 100  # its own, and of children that it has awaited
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return ended + sum(map(_own_cpu, children))


def _own_cpu(pid: str) -> float:
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, parts[11:13])) / 100


def prepare(folder: Path, server: Any, count: int, at_once: int = AT_ONCE) -> str:
    """A project whose fleet is so many empty schemas of a new database; its name."""
    database: str = server.new_database()
    with server.connect(database) as connection:
        for first in range(0, count, 500):
            connection.execute(
                f"do $$ begin for n in {first + 1}..{min(first + 500, count)} loop "
                "execute format('create schema tenant_%s', n); end loop; end $$"
            )
    for name in ("environments", "migrations"):
        (folder / name).mkdir(parents=True)
    configure(folder, server.url(database), at_once)
    (folder / "migrations" / "001_orders.sql").write_text(table("orders"))
    return database


def configure(folder: Path, url: str, at_once: int, crew: str = "local") -> None:
    """The environment of the project: so many targets at once."""
    (folder / "environments" / "dev.yaml").write_text(
        f'database: {{url: "{url}"}}\n'
        f'fleet:\n  targets: {{schemas: "tenant_%"}}\n  crew: {crew}\n'
        f"  parallel: {at_once}\n  per_host: {at_once}\n"
    )


def table(name: str) -> str:
    """A migration of one table."""
    return (
        f"-- migrate:up\ncreate table {name} (id int primary key, total int);\n"
        f"-- migrate:down\ndrop table {name};\n"
    )


class Bench:
    """What is measured on one server, until so many seconds are over."""

    def __init__(self, server: Any, binary: Path | None, seconds: float, at_once: int) -> None:
        self._server = server
        self._binary = binary
        self._end = time.monotonic() + seconds
        self._at_once = at_once
        self._idle = Probe()
        self._before: dict[str, float] = {}

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._end

    def measure_idle(self) -> None:
        """The probe with nobody else."""
        with probing(self._server) as self._idle:
            time.sleep(IDLE)
        print(f"idle: probe {self._idle.median:.2f} / {self._idle.p99:.2f} ms", flush=True)

    def measure_size(self, count: int) -> None:
        """Prints a row for each command on so many targets."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "project"
            database = prepare(folder, self._server, count, self._at_once)
            self._measure(folder, count, "plan", "plan")
            self._measure(folder, count, "apply", "apply", "plan.json")
            self._measure(folder, count, "status", "status")
            (folder / "migrations" / "002_lines.sql").write_text(table("lines"))
            self._measure(folder, count, "plan again", "plan")
            with self._workers(folder, database) as workers:
                self._measure(folder, count, "by workers", "apply", "plan.json")
            size = sum(file.stat().st_size for file in folder.glob("plan.json"))
            print(f"{count:>7,}  the plan has {size / 1e3:,.0f} kB{workers}", flush=True)
            self._server.drop_database(database)

    def _measure(self, folder: Path, count: int, what: str, *arguments: str) -> None:
        if self.is_over:
            print(f"{count:>7,}  {what:<13}not measured: the time is over", flush=True)
            return
        before = server_cpu(self._server.pid)
        with probing(self._server) as probe:
            usage = migrate(folder, *arguments)
        cpu = server_cpu(self._server.pid) - before
        ratio = probe.p99 / self._idle.p99
        met = "yes" if ratio <= BAR else "NO"
        each = (usage.cpu + cpu) * 1000 / count
        slope = f"{each / self._before[what]:.2f} x" if what in self._before else ""
        self._before[what] = each
        told = f"{probe.median:.2f} / {probe.p99:.2f}, {ratio:.1f} x idle {met}"
        _row(count, what, usage, cpu, slope, told)

    @contextmanager
    def _workers(self, folder: Path, database: str) -> Iterator[_Workers]:
        """So many workers of the fleet for the block; their memory is known after it."""
        found = _Workers()
        if self.is_over:
            yield found
            return
        configure(folder, self._server.url(database), self._at_once, "procrastinate")
        argv = [*MIGRATE, "worker", "-e", "dev", "--jobs", "2"]
        processes = [
            subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(WORKERS)
        ]
        try:
            yield found
        finally:
            for process in processes:
                process.terminate()
                usage = os.wait4(process.pid, 0)[2]
                process.returncode = 0
                found.cpu += usage.ru_utime + usage.ru_stime
                found.memory = max(found.memory, usage.ru_maxrss / 1024)

    def measure_loops(self, count: int = LOOPED) -> None:
        """The same by a loop over `migrate up`, and over dbmate, in a database of so many."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "project"
            database = prepare(folder, self._server, count)
            names = [f"tenant_{number}" for number in range(1, count + 1)]
            self._loop(
                "loop: migrate", lambda one: migrate(folder, "up", "-e", f"dev/{one}"), names
            )
            self._server.drop_database(database)
            if self._binary is not None:
                binary, database = self._binary, prepare(folder / "dbmate", self._server, count)
                url = f"{self._server.url(database)}?sslmode=disable&search_path="
                argv = (folder / "migrations", "migrate")
                self._loop("loop: dbmate", lambda one: dbmate(binary, url + one, *argv), names)
                self._server.drop_database(database)

    def _loop(self, what: str, do: Callable[[str], Usage], names: Sequence[str]) -> None:
        before, used = server_cpu(self._server.pid), []
        for name in names:
            if self.is_over:
                break
            used.append(do(name))
        if used:
            _row(len(used), what, _sum(used), server_cpu(self._server.pid) - before, "", "")


@dataclass
class _Workers:
    """Seconds of CPU of all, and the largest size of one in MiB."""

    cpu: float = 0.0
    memory: float = 0.0

    def __str__(self) -> str:
        if not self.memory:
            return ""
        return f"; {WORKERS} workers: {self.cpu:.1f} s of CPU, {self.memory:.0f} MiB the larger"


def _row(count: int, what: str, usage: Usage, cpu: float, slope: str, probe: str) -> None:
    each = 1000 / count
    print(
        f"{count:>7,}  {what:<13}{usage.wall:>8.1f} s{usage.cpu * each:>8.1f} ms"
        f"{cpu * each:>8.1f} ms{slope:>8}{usage.memory:>6.0f} MiB  {probe}", flush=True,
    )  # fmt: skip


def _sum(used: list[Usage]) -> Usage:
    return Usage(
        sum(one.wall for one in used), sum(one.cpu for one in used), max(one.memory for one in used)
    )


@click.command()
@click.argument("sizes", nargs=-1, type=int)
@click.option("--minutes", default=60.0, help="After which nothing more is begun.")
@click.option("--at-once", default=AT_ONCE, help="How many targets are worked on at once.")
def main(sizes: tuple[int, ...], minutes: float, at_once: int) -> None:
    """Print what fleets of these sizes cost, and what loops cost."""
    print("targets  command           wall  client CPU server CPU  slope  memory  probe ms:")
    print("                                   a target   a target                 median / p99")
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        bench = Bench(server, fetch_dbmate(Path(folder)), minutes * 60, at_once)
        bench.measure_idle()
        bench.measure_loops()
        for size in sizes or SIZES:
            bench.measure_size(size)
        bench.measure_idle()


if __name__ == "__main__":
    main()
