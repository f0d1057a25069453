"""Tests that each have a database of their own, as a project of the pytest plugin's users has them.

CPU is that of pytest and of the server together; the clock of an idle machine of two cores shows
no more than that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Result, run
from benchmarks.projects import small_migrations, write_project

TESTS = 1_000
BAR = 0.06
"""Seconds of a test: so a thousand take a minute where the two cores are idle."""
SERVER = '''
import os, pathlib, pytest

@pytest.fixture(scope="session", autouse=True)
def server(lockgate_template):
    """Writes down the server's seconds of CPU, while it still runs."""
    yield
    home = pathlib.Path(lockgate_template.address.socket).parent
    main = (home / "data" / "postmaster.pid").read_text().split()[0]
    ticks = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text().split(" (", 1)
        except OSError:
            continue
        told = rest.rpartition(")")[2].split()
        if main in (pid, told[1]):
            ticks += sum(map(int, told[11:15] if pid == main else told[11:13]))
    pathlib.Path("server.txt").write_text(str(ticks / os.sysconf("SC_CLK_TCK")))
'''
TEST = """
import psycopg, pytest

@pytest.mark.parametrize("number", range({count}))
def test_alone(lockgate_database, number):
    with psycopg.connect(lockgate_database.url, autocommit=True) as connection:
        connection.execute("insert into t1 values (1)")
        assert connection.execute("select count(*) from t1").fetchone() == (1,)
"""


def databases_of_tests(folder: Path, count: int = TESTS) -> Iterator[Result]:
    """What so many tests cost on an embedded server, with 50 migrations."""
    project = write_project(folder / "tests", "", small_migrations(50))
    (project / "environments" / "dev.yaml").write_text("database: embedded\n")
    (project / "conftest.py").write_text(SERVER)
    (project / "test_alone.py").write_text(TEST.format(count=count))
    usage = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."], project)
    server = float((project / "server.txt").read_text())
    detail = f"pytest {usage.cpu:.1f} s, server {server:.1f} s, wall {usage.wall:.1f} s"
    cpu = usage.cpu + server
    yield Result(f"{count:,} tests, each on a database, CPU", cpu, "s", count * BAR, detail)
