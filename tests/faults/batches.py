"""A run of batches that is killed with -9 at random moments, again and again: each row once.

`python -m tests.faults.batches --times 100` does it on each engine.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from tests.commands.forked import close_nursery
from tests.commands.running import DEADLINE, Project, succeed
from tests.executors.building import begin_ledger
from tests.servers.mariadb import MariaDBServer
from tests.servers.mysql import MySQLServer
from tests.servers.postgres import PostgresServer

ROWS = 4000
FILE = "001_add.sql"
"""Of a statement that does harm when it runs twice for a row."""
SECTION = """
-- migrate:batch key=id size=20 target=8ms
update t set n = n + 1 where id > {{lo}} and id <= {{hi}};
"""
SERVERS: tuple[Any, ...] = (PostgresServer, MySQLServer, MariaDBServer)


def kill_at_random(server: Any, database: str, folder: Path, times: int, seed: int) -> list[int]:
    """Kills a run of batches so often, and lets it come to its end; how many batches were done when
    each run was killed, from its begin on."""
    draw = random.Random(seed)
    project = prepare(server, database, folder)
    killed: list[int] = []
    try:
        while len(killed) < times:
            succeed(project.migrate("plan"))
            while len(killed) < times and _is_open(server, database):
                killed.append(_kill_once(project, draw))
            succeed(project.migrate("apply", "plan.json"))
            check(server, database)
            reset(server, database, project)
    finally:
        project.close()
    return killed


def prepare(server: Any, database: str, folder: Path) -> Project:
    """A project with a ledger, a table with gaps in its keys, and a migration in batches."""
    begin_ledger(server, database)
    numbers = ", ".join(f"({number * 3})" for number in range(ROWS))
    _execute(server, database, "create table t (id int not null primary key, n int default 0)")
    _execute(server, database, f"insert into t (id) values {numbers}")
    project = Project(folder, server.url(database))
    project.write(FILE, SECTION, SECTION.replace("n + 1", "n - 1"))
    return project


def check(server: Any, database: str) -> None:
    """Every row was changed once, and the migration is recorded."""
    counts = _ask(server, database, "select n, count(*) from t group by n order by n")
    assert counts == [(1, ROWS)], counts
    assert _ask(server, database, "select version from schema_migrations") == [("001",)]


def reset(server: Any, database: str, project: Project) -> None:
    """Rolls the migration back, which is a run of batches too."""
    succeed(project.migrate("down"))
    counts = _ask(server, database, "select n, count(*) from t group by n order by n")
    assert counts == [(0, ROWS)], counts


def _kill_once(project: Project, draw: random.Random) -> int:
    """Begins the run, or lets it go on, and kills it at a random moment after its first batch; or
    at any moment."""
    process = project.start("apply", "plan.json", "--json", "-v")
    assert process.stdout is not None
    batches, wanted = 0, draw.choice((0, 0, 1, 3, 10, 30))
    while batches < wanted and (line := process.stdout.readline()):
        batches += "batch_committed" in line
    # Between two batches, in one, in its commit, or before the first.
    time.sleep(draw.uniform(0, 0.02 if wanted else 0.4))
    process.kill()
    process.communicate(timeout=DEADLINE)
    return batches


def _is_open(server: Any, database: str) -> bool:
    return not _ask(server, database, "select version from schema_migrations")


def _ask(server: Any, database: str, sql: str) -> list[Any]:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _execute(server: Any, database: str, sql: str) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def main() -> None:
    """Kills runs on each engine, and says how often and after how many batches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--engine", choices=("postgresql", "mysql", "mariadb"))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    click.echo(f"seed {options.seed}")
    for make in SERVERS:
        if options.engine not in (None, make.engine):
            continue
        with ExitStack() as stack:
            server = stack.enter_context(make())
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            database = server.new_database()
            began = time.monotonic()
            killed = kill_at_random(server, database, Path(folder), options.times, options.seed)
            amid = sum(batches > 0 for batches in killed)
            click.echo(
                f"{server.engine}: killed {len(killed)} times, {amid} of them after a batch; every "
                f"row once ({time.monotonic() - began:.0f} s)"
            )
    close_nursery()


if __name__ == "__main__":
    main()
