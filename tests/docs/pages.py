"""A documentation page as a script: its files, its SQL and its terminal sessions, in their order.

It must not know any page. What a page may hold, as an HTML comment before a fenced block:

    <!-- file: migrations/001_x.sql -->   the block is written to that file
    <!-- sql: dev -->                     the block is run on that environment's database
    <!-- copy: examples/shop -->          (no block) that folder of the repository is copied
    <!-- server: mysql -->                (no block) DATABASE_URL leads to a fresh database there
    <!-- tool: pt-osc -->                 (no block) percona-toolkit is in PATH

A console block holds commands, `$ ` before each, and what each prints on stdout and stderr. A line
of output that is only `…` stands for any number of lines. A block of commands alone shows no
output: its commands must succeed.

The folder must be one that `nobody` may enter: root's embedded server does not run as root.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pymysql

from lockgate.executors.programs.embedded import start_embedded
from lockgate.planner.database.address import DatabaseAddress, parse_url
from tests.commands.client import ROOT
from tests.commands.forked import write_program
from tests.servers.process import open_folder
from tests.servers.toolkit import install

DEADLINE = 60.0
"""Seconds after which a command that has not ended fails its test."""

HOME = "/home/you/shop"
"""The folder in which the pages' readers work."""

BEGINNING = re.compile(r"migrate (plan|up)\b(?!.* -e )")
"""The commands that a page uses `dev` with first."""

MARKER = re.compile(r"<!-- (file|sql|copy|server|tool): (\S+) -->")
FENCE = re.compile(r"(`{3,})(\w*)")

CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\+00:00|Z)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (
        re.compile(r"\b([0-9a-f]{64}|([0-9a-f]{8} ){7}[0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{12})\b"),
        "<digest>",
    ),
    (re.compile(r"\b\d+ ms\b|\b\d+\.\d s\b"), "<duration>"),
    (re.compile(r"(postgresql|mysql|mariadb|version) \d[\w.-]*"), r"\1 <version>"),
    (re.compile(r"\blockgate_[0-9a-f]{12}\b|, database \w+"), "<database>"),
    (re.compile(r"\bpid \d+"), "pid <pid>"),
    (re.compile(r'"seconds": [\d.e-]+'), '"seconds": <seconds>'),
    (re.compile(r"\b[\w.-]+@[\w.-]+\b"), "<who>"),
    (re.compile(re.escape(HOME) + "/"), ""),
    (re.compile(r"(?<=\S) {2,}"), "  "),  # a column is as wide as its widest value
)


@dataclass
class Block:
    """A fenced block, or a marker without one. `line` counts from 1."""

    kind: str
    argument: str
    lines: list[str]
    line: int


@dataclass(frozen=True)
class Command:
    """A command of a console block, what the page says that it prints, and what it printed."""

    line: int
    text: str
    expected: list[str]
    actual: list[str]
    code: int
    silent: bool
    """The page shows no output of the block that it is in."""

    @property
    def agrees(self) -> bool:
        """Whether it did what the page says."""
        if self.silent:
            return self.code == 0
        return agree(normalised(self.expected), normalised(self.actual))


@dataclass
class Session:
    """A reader at work: a folder, the variables that the page speaks of, and the last exit code."""

    folder: Path
    variables: dict[str, str]
    holds: bool
    """Keep the embedded server running between commands: a page that moves its files must not."""
    code: int = 0
    stack: ExitStack = field(default_factory=ExitStack)
    servers: dict[str, DatabaseAddress] = field(default_factory=dict)

    def embedded(self, environment: str) -> DatabaseAddress:
        """The address of an embedded database, running until the page's end."""
        if environment not in self.servers:
            home = self.folder / ".lockgate" / environment
            self.servers[environment] = self.stack.enter_context(start_embedded(home))
        return self.servers[environment]

    def run(self, command: str) -> list[str]:
        """The lines that a command prints, as a terminal would show them."""
        if self.holds and BEGINNING.match(command) and self._is_embedded("dev"):
            self.embedded("dev")
        done = subprocess.run(
            ["sh", "-c", f"(exit {self.code})\n{command}"],
            cwd=self.folder, env=self._environ(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", timeout=DEADLINE, check=False,
        )  # fmt: skip
        self.code = done.returncode
        return done.stdout.replace(str(self.folder), HOME).rstrip("\n").splitlines()

    def _is_embedded(self, environment: str) -> bool:
        path = self.folder / "environments" / f"{environment}.yaml"
        return path.is_file() and "database: embedded" in path.read_text()

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": f"{self.folder.parent / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",  # stdout and stderr in the order in which they are written
            "LANG": "C.UTF-8",
            **self.variables,
        }

    def query(self, environment: str, sql: str) -> None:
        """Runs statements as the reader's own client would."""
        if url := self.variables.get("DATABASE_URL"):
            _query_mysql(url, sql)
            return
        with ExitStack() as stack:
            home = self.folder / ".lockgate" / environment
            address = (
                self.embedded(environment)
                if self.holds
                else stack.enter_context(start_embedded(home))
            )
            with psycopg.connect(
                host=address.socket, user=address.user, dbname=address.database, autocommit=True
            ) as connection:
                for statement in _statements(sql):
                    connection.execute(statement.encode())


def blocks(text: str) -> Iterator[Block]:
    """The markers and the fenced blocks of a page; a block takes on the marker right before it."""
    marker: Block | None = None
    current: Block | None = None
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        opening = FENCE.match(line)
        if current is not None:
            if line == fence:
                yield current
                current = None
            else:
                current.lines.append(line)
        elif opening:
            fence = opening[1]
            taken = marker if marker and marker.kind in ("file", "sql") else None
            kind, argument = (taken.kind, taken.argument) if taken else (opening[2], "")
            current = Block(kind, argument, [], number)
            marker = None
        elif found := MARKER.fullmatch(line):
            marker = Block(found[1], found[2], [], number)
            if marker.kind in ("copy", "server", "tool"):
                yield marker


def commands(block: Block) -> Iterator[tuple[int, str, list[str]]]:
    """The commands of a console block: line, text, and the output that the page shows."""
    found: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(block.lines, block.line + 1):
        if line.startswith("$ "):
            found.append((number, line[2:], []))
        else:
            found[-1][2].append(line)
    yield from found


def run_page(page: str, folder: Path, variables: dict[str, str]) -> Iterator[Command]:
    """Does what a page says, in an empty folder; each command with what it printed."""
    with _reading(page, folder, variables) as session:
        for block in blocks(page):
            content = "\n".join([*block.lines, ""])
            if block.kind == "copy":
                shutil.copytree(ROOT / block.argument, session.folder, dirs_exist_ok=True)
            elif block.kind == "tool":
                install(folder)
            elif block.kind == "file":
                path = session.folder / block.argument
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            elif block.kind == "sql" and block.argument:
                session.query(block.argument, content)
            elif block.kind == "console":
                silent = all(line.startswith("$ ") for line in block.lines)
                for number, text, expected in commands(block):
                    actual = session.run(text)
                    yield Command(number, text, expected, actual, session.code, silent)


@contextmanager
def open_desk() -> Iterator[Path]:
    """A folder that everybody may enter; at the end it is gone, with the servers' sockets."""
    folder = open_folder()
    try:
        yield folder
    finally:
        for socket in folder.rglob(".lockgate/*/socket"):
            shutil.rmtree(socket.resolve(), ignore_errors=True)
        shutil.rmtree(folder)


@contextmanager
def _reading(text: str, folder: Path, variables: dict[str, str]) -> Iterator[Session]:
    home = folder / "shop"
    home.mkdir()
    (folder / "bin").mkdir()
    write_program(folder / "bin" / "migrate")
    session = Session(home, variables, holds=".lockgate/" not in text)
    with session.stack:
        yield session


def normalised(lines: list[str]) -> list[str]:
    """Output without what is another at each run; a line without text is no line."""
    result = []
    for line in lines:
        shown = line.rstrip()
        for pattern, name in CHANGING:
            shown = pattern.sub(name, shown)
        if shown:
            result.append(shown)
    return result


def agree(expected: list[str], actual: list[str]) -> bool:
    """Whether normalised output is as a page shows it; `…` stands for any lines.

    >>> agree(["a", "…", "d"], ["a", "b", "c", "d"]), agree(["a"], ["a", "b"])
    (True, False)
    """
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "…" else re.escape(line + "\n") for line in expected
    )
    return re.fullmatch(pattern, "".join(line + "\n" for line in actual)) is not None


def _statements(sql: str) -> list[str]:
    return [part.strip() for part in sql.split(";\n") if part.strip()]


def _query_mysql(url: str, sql: str) -> None:
    address = parse_url(url)
    secret = address.password.get_secret_value() if address.password else ""
    connection = pymysql.connect(
        host=address.host, unix_socket=address.socket, port=address.port, user=address.user,
        password=secret, database=address.database, autocommit=True,
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        for statement in _statements(sql):
            cursor.execute(statement)
