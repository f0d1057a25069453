"""How it is measured what writers notice of a change: each form on a copy of one filled table.

Prints nothing, and knows no table of results.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.online_cases import (
    MYSQL_LOAD,
    MYSQL_ROWS,
    MYSQL_TABLES,
    POSTGRESQL_LOAD,
    POSTGRESQL_ROWS,
    POSTGRESQL_TABLES,
    Change,
)
from benchmarks.online_writers import PATIENCE
from tests.commands.running import COMMAND, Project, succeed
from tests.servers.postgres import PostgresServer

CLIENTS, RATE = 4, 200.0
IDLE, LEAST = 5.0, 3.0
"""Seconds that are measured before the change, and at least with it."""
LONGEST = 1800
"""Seconds after which a form has failed."""
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
    errors: list[str]
    schema: str = ""


class Refused(Exception):
    """A form did not run."""


class Bench:
    """A server with a database that has the tables filled, of which each form gets a copy."""

    def __init__(
        self, server: Any, folder: Path, rows: int, *, idle: float = IDLE, least: float = LEAST
    ) -> None:
        self.server, self.folder, self.rows = server, folder, rows
        self.idle, self.least = idle, least
        self.is_postgres = isinstance(server, PostgresServer)
        self.tables = POSTGRESQL_TABLES if self.is_postgres else MYSQL_TABLES
        self._full: dict[str, str] = {}

    def see(self, change: Change, form: str) -> Seen:
        """What is noticed of one form of a change.

        Raises:
            Refused: it did not run.
        """
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
            seen = self._measure(project, change.table, lambda: _run_releases(project))
            return replace(seen, schema=self._schema(project))
        except AssertionError as error:
            raise Refused(str(error)) from error
        finally:
            project.close()
            self.server.drop_database(database)

    def see_load(self) -> Seen:
        """What is noticed of a session that reads and writes as much, and locks nothing."""
        database, load = self._copy("t"), POSTGRESQL_LOAD if self.is_postgres else MYSQL_LOAD
        project = Project(Path(tempfile.mkdtemp(dir=self.folder)), self.server.url(database))
        try:
            return self._measure(project, "t", lambda: self._run(database, load))
        finally:
            self.server.drop_database(database)

    def _measure(self, project: Project, table: str, act: Callable[[], None]) -> Seen:
        with self._writers(project.url, table) as writers:
            time.sleep(self.idle)
            begun = time.time()
            act()
            ended = time.time()
            time.sleep(max(begun + self.least - ended, 0.2))
            until = max(ended, begun + self.least)
            told = [one for each in writers for one in _stop(each)]
        idle = [ms for due, ms, _ in told if begun - self.idle <= due < begun]
        during = [ms for due, ms, _ in told if begun <= due <= until]
        failed = sum(not 0 <= ms <= PATIENCE for ms in during)
        errors = [f"{due - begun:.1f} s: {why}" for due, _, why in sorted(told) if why]
        return Seen(
            ended - begun, _p99(idle), _p99(during), max(during), failed, len(during),
            errors,
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


def _run_releases(project: Project) -> None:
    """All migrations; what takes away what is replaced comes last, as soon as that was applied."""
    for path in sorted(project.migrations.glob("*_contract.sql")):
        found = re.search(r"contract-of (\S+) min_age=(\S+)", path.read_text())
        assert found, path
        path.write_text(path.read_text().replace(f"min_age={found[2]}", "min_age=0s"))
        _up(project, "--to", found[1])
    _up(project)


def _up(project: Project, *options: str) -> None:
    process = project.start("up", "--allow-non-atomic", *options, command=COMMAND)
    try:
        _, err = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"it has taken more than {LONGEST} s") from error
    if process.returncode:
        raise Refused(err)


def _stop(writer: subprocess.Popen[str]) -> list[tuple[float, float, str]]:
    out, _ = writer.communicate(timeout=60)
    found: list[tuple[float, float, str]] = json.loads(out)
    return found


def _p99(found: Sequence[float]) -> float:
    """Of the writes that did not fail."""
    good = sorted(one for one in found if one >= 0)
    return good[int(len(good) * 0.99)] if good else float("inf")
