"""What writers of a large table notice of a change: as it is first written, and its safe form.

`python -m benchmarks.online [--engine NAME] [--rows N] [--only TEXT] [--page]` prints a table, and
with `--page` writes it into docs/concepts/online.md. Four clients in processes of their own write
200 times a second; a write that takes longer than a second has failed. Both forms must leave the
same schema. On an idle machine of two cores it takes about a quarter of an hour for PostgreSQL, and
half an hour for MySQL.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import click

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
IDLE, LEAST = 5.0, 3.0
"""Seconds that are measured before the change, and at least with it."""
PAGE = Path(__file__).parents[1] / "docs/concepts/online.md"
BAR = 5
"""With the safe form the slowest writes may take so many times what they take of an idle server."""
HEAD = (
    "| change | form | took | idle p99 | p99 | longest | writes that failed | schema |\n"
    + "|---" * 8
    + "|"
)
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


class Refused(Exception):
    """A form did not run."""


class Bench:
    """A server with a database that has the tables filled, of which each form gets a copy."""

    def __init__(self, server: Any, folder: Path, rows: int) -> None:
        self.server, self.folder, self.rows = server, folder, rows
        self.is_postgres = isinstance(server, PostgresServer)
        self.tables = POSTGRESQL_TABLES if self.is_postgres else MYSQL_TABLES
        self._full: dict[str, str] = {}

    def see(self, change: Change, form: str) -> Seen:
        """What is noticed of one form of a change."""
        database = self._copy(change.table)
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
            time.sleep(IDLE)
            begun = time.time()
            process = project.start("up", "--allow-non-atomic",
                                    command=COMMAND)  # fmt: skip
            _, err = process.communicate(timeout=3600)
            ended = time.time()
            time.sleep(max(begun + LEAST - ended, 0.2))
            until = max(ended, begun + LEAST)
            told = [one for each in writers for one in _stop(each)]
        if process.returncode:
            raise Refused(err)
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
            for writer in writers:
                assert writer.stdout is not None
                writer.stdout.readline()  # it is connected
            yield writers
        finally:
            for writer in writers:
                writer.kill()
                writer.wait()

    def _fill(self, table: str) -> str:
        """A database whose large table is this one."""
        if table not in self._full:
            self._full[table] = self.server.new_database()
            self._run(self._full[table], self.tables)
            filling = POSTGRESQL_ROWS if self.is_postgres else MYSQL_ROWS
            self._run(self._full[table], filling[table].format(rows=self.rows))
        return self._full[table]

    def _copy(self, table: str) -> str:
        """The name of a new database like the full one, by a copy of its files."""
        full = self._fill(table)
        if self.is_postgres:
            name = f"{full}_copy"
            with self.server.connect("postgres") as connection:
                connection.execute(f'create database "{name}" template "{full}" '
                                   "strategy file_copy")  # fmt: skip
            return name
        name = str(self.server.new_database())
        with self.server.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute(f"create table t like {full}.t")
            cursor.execute("alter table t discard tablespace")
            cursor.execute("select @@datadir")
            ((data,),) = cursor.fetchall()
            cursor.execute(f"flush tables {full}.t for export")
            for end in ("ibd", "cfg"):
                shutil.copy(Path(data, full, f"t.{end}"), Path(data, name, f"t.{end}"))
            cursor.execute("unlock tables")
            cursor.execute("alter table t import tablespace")
            cursor.execute("analyze table t")
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


def compare(bench: Bench, changes: Sequence[Change]) -> Iterator[str]:
    """A row for each form of each change, and at the end how many keep to the bar."""
    kept = 0
    for change in changes:
        try:
            naive, fixed = bench.see(change, "naive"), bench.see(change, "fixed")
        except (Refused, AssertionError) as error:
            yield f"| `{change.name}` | not measured: {' '.join(str(error).split())[-200:]} |"
            continue
        is_same = naive.schema == fixed.schema
        kept += is_same and not fixed.failed and fixed.p99 <= BAR * fixed.idle
        yield _row(f"`{change.name}`", "naive", naive, "")
        yield _row("", "fixed", fixed, "same" if is_same else "OTHER")
    yield ""
    yield (f"{kept} of {len(changes)} safe forms: no write failed, the p99 is at most {BAR} times "
           "that of the idle server, and the schema is the same.")  # fmt: skip


def _row(name: str, form: str, seen: Seen, schema: str) -> str:
    times = " | ".join(f"{ms:.0f} ms" for ms in (seen.idle, seen.p99, seen.longest))
    failed = f"{seen.failed:,} of {seen.writes:,}"
    return f"| {name} | {form} | {seen.seconds:.1f} s | {times} | {failed} | {schema} |"


def write_page(engine: str, lines: Sequence[str]) -> None:
    """Puts what was measured between the page's marks for this engine."""
    text, mark = PAGE.read_text("utf-8"), f"<!-- measured: {engine} -->\n"
    before, _, rest = text.partition(mark)
    _, _, after = rest.partition("<!-- end -->")
    made = "\n".join(lines)
    PAGE.write_text(f"{before}{mark}\n{made}\n\n<!-- end -->{after}", "utf-8")


def main() -> None:
    """Prints the table of each engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=["postgresql", "mysql"])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    kinds = {"postgresql": (PostgresServer, POSTGRESQL), "mysql": (MySQLServer, MYSQL)}
    for engine, (kind, changes) in kinds.items():
        if asked.engine not in (None, engine):
            continue
        with tempfile.TemporaryDirectory() as name, kind() as server:
            if engine == "mysql":
                install(Path(name))
            told = []
            wanted = [one for one in changes if asked.only in one.name]
            for line in chain(_head(server, asked.rows), compare(
                Bench(server, Path(name), asked.rows), wanted
            )):  # fmt: skip
                click.echo(line)
                told.append(line)
            if asked.page:
                write_page(engine, told)


def _head(server: Any, rows: int) -> Iterator[str]:
    with server.connect(None if server.engine == "mysql" else "postgres") as connection:
        cursor = connection.cursor()
        cursor.execute("select version()")
        ((version,),) = cursor.fetchall()
    shown = str(version).split(" (", maxsplit=1)[0].split(" on ", maxsplit=1)[0]
    version = shown.removeprefix("PostgreSQL ")
    yield f"{server.engine} {version}, {rows:,} rows, {RATE:.0f} writes a second:"
    yield ""
    yield HEAD


if __name__ == "__main__":
    main()
