"""What writers of a large table notice of a change: as it is first written, and its safe form.

`python -m benchmarks.online [--engine NAME] [--rows N] [--only TEXT]` prints a table. Four clients
in processes of their own write 200 times a second; a write that takes longer than a second has
failed. Both forms must leave the same schema.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.online_cases import (
    MYSQL,
    MYSQL_ROWS,
    MYSQL_TABLES,
    POSTGRESQL,
    POSTGRESQL_ROWS,
    POSTGRESQL_TABLES,
    Change,
)
from tests.commands.running import COMMAND, Project, succeed
from tests.servers.mysql import MySQLServer
from tests.servers.postgres import PostgresServer
from tests.servers.toolkit import install

CLIENTS, RATE = 4, 200.0
START, IDLE, LEAST = 4.0, 5.0, 3.0
"""Seconds in which clients begin, that are measured before the change, and at least with it."""
ROW = "| {:<36} | {:<5} | {:>8} | {:>8} | {:>7} | {:>8} | {:>6} | {:<6} |"
HEAD = ("change", "form", "took", "idle p99", "p99", "longest", "failed", "schema")
SETTINGS = "rehearsal:\n  url_env: TEST_URL\ntransaction: step\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the writers noticed: milliseconds, and how many writes failed of how many."""

    seconds: float
    idle: float
    p99: float
    longest: float
    failed: int
    writes: int
    schema: str


class Bench:
    """A server with a database that has the tables filled, of which each form gets a copy."""

    def __init__(self, server: Any, folder: Path, rows: int) -> None:
        self.server, self.folder, self.rows = server, folder, rows
        self.is_postgres = isinstance(server, PostgresServer)
        self.tables = POSTGRESQL_TABLES if self.is_postgres else MYSQL_TABLES
        self.full = server.new_database()
        self._run(self.full, self.tables)
        filling = POSTGRESQL_ROWS if self.is_postgres else MYSQL_ROWS
        self._run(self.full, filling.format(rows=rows))

    def see(self, change: Change, form: str) -> Seen:
        """What is noticed of one form of a change."""
        database = self._copy()
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        project = Project(folder, self.server.url(database), settings=SETTINGS)
        project.own["PATH"] = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        try:
            project.write("001_tables.sql", self.tables)
            for command in (("plan", "--baseline", "001"), ("apply", "plan.json")):
                succeed(project.migrate(*command, command=COMMAND))
            fixed = form == "fixed"
            project.write("002_change.sql", (fixed and change.fixed) or change.sql)
            if fixed and not change.fixed:
                succeed(project.migrate("fix", "002", "--write", command=COMMAND))
            return self._measure(project, change)
        finally:
            project.close()
            self.server.drop_database(database)

    def _measure(self, project: Project, change: Change) -> Seen:
        with self._writers(project.url, change.table) as writers:
            time.sleep(START + IDLE)
            begun = time.time()
            process = project.start("up", "--allow-non-atomic",
                                    command=COMMAND)  # fmt: skip
            _, err = process.communicate(timeout=3600)
            ended = time.time()
            time.sleep(max(begun + LEAST - ended, 0.2))
            until = max(ended, begun + LEAST)
            told = [one for each in writers for one in _stop(each)]
        if process.returncode:
            raise SystemExit(f"{change.name}: {err}")
        idle = [ms for due, ms in told if begun - IDLE <= due < begun]
        during = [ms for due, ms in told if begun <= due <= until]
        schema = self._schema(project)
        return Seen(
            ended - begun, _p99(idle), _p99(during), max(during), during.count(-1), len(during),
            schema,
        )  # fmt: skip

    def _schema(self, project: Project) -> str:
        """The schema as a text, by the programs that are there."""
        if self.is_postgres:
            return succeed(project.migrate("dump", command=COMMAND)).out
        with self.server.connect(project.database) as connection, connection.cursor() as cursor:
            cursor.execute("show create table t")
            return str(cursor.fetchall())

    @contextmanager
    def _writers(self, url: str, table: str) -> Iterator[list[subprocess.Popen[str]]]:
        command = [sys.executable, "-m", "benchmarks.online_writers", url, table, str(self.rows),
                   str(RATE / CLIENTS)]  # fmt: skip
        writers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(CLIENTS)
        ]
        try:
            yield writers
        finally:
            for writer in writers:
                writer.kill()
                writer.wait()

    def _copy(self) -> str:
        """The name of a new database like the full one."""
        if self.is_postgres:
            name = f"{self.full}_copy"
            with self.server.connect("postgres") as connection:
                connection.execute(f'create database "{name}" template "{self.full}" '
                                   "strategy file_copy")  # fmt: skip
            return name
        name = str(self.server.new_database())
        self._run(name, f"create table t like {self.full}.t;\n"
                        f"insert into t select * from {self.full}.t;\nanalyze table t")  # fmt: skip
        return name

    def _run(self, database: str, sql: str) -> None:
        with self.server.connect(database) as connection, connection.cursor() as cursor:
            for statement in filter(str.strip, sql.split(";\n")):
                cursor.execute(statement)


def _stop(writer: subprocess.Popen[str]) -> list[tuple[float, float]]:
    out, _ = writer.communicate(timeout=60)
    found: list[tuple[float, float]] = json.loads(out)
    return found


def _p99(found: Sequence[float]) -> float:
    """Of the writes that did not fail."""
    good = sorted(one for one in found if one >= 0)
    return good[int(len(good) * 0.99)] if good else float("inf")


def compare(bench: Bench, changes: Sequence[Change]) -> None:
    """Prints a row for each form of each change."""
    for change in changes:
        naive, fixed = bench.see(change, "naive"), bench.see(change, "fixed")
        same = "same" if naive.schema == fixed.schema else "OTHER"
        for form, seen in (("naive", naive), ("fixed", fixed)):
            cells = (
                change.name if form == "naive" else "", form, f"{seen.seconds:.1f} s",
                f"{seen.idle:.0f} ms", f"{seen.p99:.0f} ms", f"{seen.longest:.0f} ms",
                f"{seen.failed}", same if form == "fixed" else "",
            )  # fmt: skip
            print(ROW.format(*cells), flush=True)


def main() -> None:
    """Prints the table of each engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=["postgresql", "mysql"])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    kinds = {"postgresql": (PostgresServer, POSTGRESQL), "mysql": (MySQLServer, MYSQL)}
    for engine, (kind, changes) in kinds.items():
        if asked.engine not in (None, engine):
            continue
        with tempfile.TemporaryDirectory() as name, kind() as server:
            if engine == "mysql":
                install(Path(name))
            bench = Bench(server, Path(name), asked.rows)
            print(f"\n{engine}, {asked.rows:,} rows, {RATE:.0f} writes a second\n")
            print(ROW.format(*HEAD))
            print("|" + "---|" * len(HEAD), flush=True)
            compare(bench, [one for one in changes if asked.only in one.name])


if __name__ == "__main__":
    main()
