"""A fleet of schemas on one PostgreSQL: what planning and applying cost, by their number.

`python -m benchmarks.fleets 100 1000 10000`. CPU is the client's, and the server's by the
statistics of its processes' group; the probe is a small query of somebody else meanwhile.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.dbmate import dbmate, fetch_dbmate
from benchmarks.measure import Usage, migrate
from tests.servers.postgres import PostgresServer

SIZES = (100, 1_000)
LOOPED = 20
"""Targets of the loops that it is measured against."""
PROBE = "select count(*) from pg_catalog.pg_class where relname = 'none'"


@dataclass
class Probe:
    """Milliseconds of a query, one after another."""

    times: list[float] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The median, and what one in a hundred is above."""
        found = sorted(self.times) or [0.0]
        return f"{statistics.median(found):.1f}/{found[len(found) * 99 // 100]:.1f}"


@contextmanager
def probing(server: Any) -> Iterator[Probe]:
    """Asks the server fifty times a second while the block runs."""
    probe, over = Probe(), threading.Event()

    def ask() -> None:
        with server.connect("postgres") as connection:
            while not over.wait(0.02):
                began = time.perf_counter()
                connection.execute(PROBE)
                probe.times.append((time.perf_counter() - began) * 1000)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield probe
    finally:
        over.set()
        thread.join()


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


def prepare(folder: Path, server: Any, count: int) -> str:
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
    (folder / "environments" / "dev.yaml").write_text(
        f'database: {{url: "{server.url(database)}"}}\n'
        'fleet:\n  targets: {schemas: "tenant_%"}\n  parallel: 4\n'
    )
    (folder / "migrations" / "001_orders.sql").write_text(
        "-- migrate:up\ncreate table orders (id int primary key, total int);\n"
        "-- migrate:down\ndrop table orders;\n"
    )
    return database


def measure(folder: Path, server: Any, *arguments: str) -> tuple[Usage, float, str]:
    """What a command costs, the seconds of the server's CPU, and the probe meanwhile."""
    before = server_cpu(server.pid)
    with probing(server) as probe:
        usage = migrate(folder, *arguments)
    return usage, server_cpu(server.pid) - before, probe.shown


def measure_size(server: Any, count: int, binary: Path | None) -> None:
    """Prints a row for each command on so many targets."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        database = prepare(folder, server, count)
        commands = {"plan": ["plan"], "apply": ["apply", "plan.json"],
                    "status": ["status"], "plan again": ["plan"]}  # fmt: skip
        for what, arguments in commands.items():
            usage, cpu, probe = measure(folder, server, *arguments)
            _row(count, what, usage, cpu, probe)
        size = (folder / "plan.json").stat().st_size
        print(f"{count:>7,}  the plan has {size / 1e3:.0f} kB")
        _loops(folder, server, database, count, binary)
        server.drop_database(database)


def _row(count: int, what: str, usage: Usage, cpu: float, probe: str) -> None:
    each = 1000 / count
    print(
        f"{count:>7,}  {what:<12}{usage.wall:>8.1f} s{usage.cpu * each:>8.1f} ms"
        f"{cpu * each:>8.1f} ms{usage.memory:>8.0f} MiB  {probe}"
    )


def _loops(folder: Path, server: Any, database: str, count: int, binary: Path | None) -> None:
    """The same by a loop over `migrate up`, and over dbmate, on a few more schemas."""
    names = [f"looped_{number}" for number in range(2 * LOOPED)]
    with server.connect(database) as connection:
        for name in names:
            connection.execute(f"create schema {name}")
    path = folder / "environments" / "dev.yaml"
    path.write_text(path.read_text().replace("tenant_%", "looped_%"))
    before, used = server_cpu(server.pid), []
    for name in names[:LOOPED]:
        used.append(migrate(folder, "up", "-e", f"dev/{name}"))
    _row(LOOPED, "loop: migrate", _sum(used), server_cpu(server.pid) - before, "")
    if binary is None:
        return
    before, used = server_cpu(server.pid), []
    for name in names[LOOPED:]:
        url = f"{server.url(database)}?sslmode=disable&search_path={name}"
        used.append(dbmate(binary, url, folder / "migrations", "migrate"))
    _row(LOOPED, "loop: dbmate", _sum(used), server_cpu(server.pid) - before, "")


def _sum(used: list[Usage]) -> Usage:
    return Usage(
        sum(one.wall for one in used), sum(one.cpu for one in used), max(one.memory for one in used)
    )


def main() -> None:
    """Prints the table."""
    sizes = [int(one) for one in sys.argv[1:]] or list(SIZES)
    print("targets  command         wall   client CPU server CPU  memory  probe ms, median/p99")
    print("                                 a target   a target")
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        with probing(server) as idle:
            time.sleep(3)
        print(f"         idle: probe {idle.shown}")
        binary = fetch_dbmate(Path(folder))
        for size in sizes:
            measure_size(server, size, binary)


if __name__ == "__main__":
    main()
