"""What a private MySQL and a private MariaDB have in common.

It must not hold what one of the two does alone: that is in mysql.py and mariadb.py.
"""

import contextlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

import pymysql

from tests.servers import catalog, fetch
from tests.servers.process import ServerProcess, ServerUnavailable, free_port

SETTINGS = {
    "bind-address": "127.0.0.1",
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-flush-method": "nosync",
    "innodb-doublewrite": "OFF",
    "innodb-buffer-pool-size": "64M",
    "sync-binlog": "0",
    "skip-log-bin": "1",
    "max-connections": "100",
    "event-scheduler": "OFF",
    "general-log": "1",
    "log-output": "FILE",
    "performance-schema": "ON",
    "performance-schema-consumer-events-statements-history": "ON",
    "performance-schema-events-statements-history-size": "10",
    "performance-schema-events-statements-history-long-size": "1",
    "performance-schema-max-sql-text-length": "4096",
    "performance-schema-max-thread-instances": "160",
    "performance-schema-digests-size": "200",
    "open-files-limit": "2048",
}
"""A commit is written to the kernel at once (2) but never synced: it outlives kill -9, where 0
would lose up to a second of commits.
https://dev.mysql.com/doc/refman/9.7/en/innodb-parameters.html#sysvar_innodb_flush_log_at_trx_commit
The statement history is allocated at once, its size * the threads * the length of a text: at
64 KiB it took 200 MB, which each start had to fill. The general log has them all.
"""

HEADER = r"(?:\S+ +[\d:]+ *|\S+Z)?\t+ *(?P<session>\d+) (?P<command>[A-Z][a-z]+(?: [A-Z]\w+)?)"
"""An entry of the general log begins: time (MariaDB: only when it changed), session, command."""

LOGGED = re.compile(
    rf"^{HEADER}(?:\t(?P<text>.*(?:\n(?!\Z|{re.sub('[?]P<[a-z]+>', '?:', HEADER)}(?:\t|$)).*)*)|$)",
    re.MULTILINE,
)
"""An entry: the lines of its text, but the first, stand as they are."""


@dataclass(frozen=True)
class Installation:
    """The programs of one server, wherever they came from."""

    server: list[str]
    """The server's command, without options."""

    client: list[str]
    """The native client's command, without options."""

    prefix: Path | None = None
    """The unpacked `usr` folder; None for a server installed on this machine."""

    share: str = "share/mysql"
    """Where the server's own files lie in it."""

    def options(self) -> list[str]:
        """The options that tell a server apart from all others where its own files lie."""
        account = ["--user=root"] if os.geteuid() == 0 else []
        if self.prefix is None:
            return account
        messages = f"--lc-messages-dir={self.prefix / self.share}"
        return [*account, f"--basedir={self.prefix}", messages]


class FamilyServer:
    """A running MySQL or MariaDB and the surface that tests share over all engines."""

    engine: ClassVar[str]
    address_variable: ClassVar[str]
    own_settings: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        self._process: ServerProcess | None = None
        if address := os.environ.get(self.address_variable):
            self._adopt(address)
            return
        self.host, self.user, self.password = "127.0.0.1", "root", ""
        self._installation = self.install()
        self._process = ServerProcess()
        try:
            self.port = free_port()
            shutil.copytree(self._template() / "data", self._data)
            self._start()
        except BaseException:
            self._process.stop()
            raise

    def install(self) -> Installation:
        """The programs: those of this machine, else fetched ones."""
        raise NotImplementedError

    def initialise(self, data: Path) -> None:
        """Fills an absent data directory: root has no password, there is no test database."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._own.pid

    @property
    def socket(self) -> Path:
        """The server's Unix socket."""
        return self._own.directory / "socket"

    def url(self, database: str, *, port: int | None = None) -> str:
        """The address of a database; `port` is a proxy's, in place of the server's own."""
        secret = f":{self.password}" if self.password else ""
        return f"{self.engine}://{self.user}{secret}@{self.host}:{port or self.port}/{database}"

    def connect(
        self, database: str | None, *, port: int | None = None, **options: Any
    ) -> "pymysql.Connection[Any]":
        """A driver's connection in autocommit mode; without TLS, whose set-up takes 30 ms."""
        return pymysql.connect(
            host=self.host,
            port=port or self.port,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            **{"user": self.user, "password": self.password, "ssl_disabled": True, **options},
        )

    def new_database(self) -> str:
        """The name of a fresh, empty database."""
        name = f"lockgate_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE `{name}`")
        return name

    def drop_database(self, name: str) -> None:
        """Drops a database if it exists; its sessions are ended.

        A session may hold a table of this database from another one: then the server's own
        lock timeout (10 s) ends the wait with an error.
        """
        with self.connect(None) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (name,))
            for (session,) in cursor.fetchall():
                with contextlib.suppress(pymysql.err.OperationalError):  # it ended by itself
                    cursor.execute(f"KILL {session}")
            cursor.execute("SET lock_wait_timeout = 10")
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def log_mark(self) -> int:
        """The end of the statement log as it stands now."""
        return self._general_log.stat().st_size

    def statement_log(self, mark: int = 0) -> str:
        """The server's general log, word for word, from a mark on."""
        return _as_text(self._general_log.read_bytes()[mark:])

    def statements_since(self, mark: int, database: str | None = None) -> list[str]:
        """The statements that the server received since a mark, in that order.

        `database` leaves those of sessions whose current database it was.
        """
        before = len(_as_text(self._general_log.read_bytes()[:mark]))
        entries = _with_databases(self.statement_log())
        return [
            text
            for start, current, text in entries
            if start >= before and database in (None, current)
        ]

    def dump(self, database: str) -> str:
        """Schema and data as text: equal for equal databases, whatever their names."""
        with self.connect(database) as connection:
            return catalog.dump(connection, database)

    def client_argv(self, database: str) -> list[str]:
        """The command of the native client, connected, reading SQL from its standard input."""
        secret = [f"--password={self.password}"] if self.password else []
        where = ["--protocol=TCP", f"--host={self.host}", f"--port={self.port}"]
        login = [f"--user={self.user}", *secret, f"--database={database}"]
        return [*self._installation.client, "--no-defaults", *where, *login, "--batch"]

    def kill_9(self) -> None:
        """Kills the server with SIGKILL; it is gone on return."""
        self._own.kill()

    def restart(self) -> None:
        """Starts the server again on the same port and data, killing it if it runs."""
        self._own.kill()
        self._start()

    def stop(self) -> None:
        """Ends the server and removes its data; leaves one that the environment named alone."""
        if self._process:
            self._process.kill()
            self._process.stop()

    def _adopt(self, address: str) -> None:
        parts = urlsplit(address)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 3306
        self.user, self.password = unquote(parts.username or "root"), unquote(parts.password or "")
        client = shutil.which("mariadb" if self.engine == "mariadb" else "mysql")
        self._installation = Installation([], [client or "mysql"])

    def _template(self) -> Path:
        asked = subprocess.run(
            [*self._installation.server, "--no-defaults", "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
        version = asked.stdout.partition("Ver ")[2].split()[0]
        name = f"{self.engine}-data-{version}"
        return fetch.cached(name, lambda folder: self.initialise(folder / "data"))

    def _start(self) -> None:
        directory = self._own.directory
        for folder in ("plugins", "tmp"):
            (directory / folder).mkdir(exist_ok=True)
        own = {"port": str(self.port), "datadir": str(self._data), "socket": str(self.socket)}
        files = {"general-log-file": self._general_log, "pid-file": directory / "mysqld.pid"}
        files["tmpdir"] = directory / "tmp"  # MariaDB clears a shared one when it starts
        settings = {**SETTINGS, **self.own_settings, **own, **files}
        self._own.start(
            [*self.command(), *(f"--{name}={value}" for name, value in settings.items())]
        )
        self._own.await_ready(self._answers)

    def command(self) -> list[str]:
        """The server's command with the options that each run of it needs."""
        plugins = f"--plugin-dir={self._own.directory / 'plugins'}"
        installation = self._installation
        return [*installation.server, "--no-defaults", *installation.options(), plugins]

    def _answers(self) -> bool:
        try:
            self.connect(None, connect_timeout=5).close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _execute(self, statement: str) -> None:
        with self.connect(None) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    @property
    def _own(self) -> ServerProcess:
        if self._process is None:
            raise ServerUnavailable(
                f"this test needs a server of its own, but {self.address_variable} names another: "
                "unset the variable"
            )
        return self._process

    @property
    def _data(self) -> Path:
        return self._own.directory / "data"

    @property
    def _general_log(self) -> Path:
        return self._own.directory / "general.log"


def _with_databases(log: str) -> Iterator[tuple[int, str | None, str]]:
    """Each statement of a general log: where it starts, its session's database, its text."""
    current: dict[str, str | None] = {}
    for entry in LOGGED.finditer(log):
        session, text = entry["session"], entry["text"] or ""
        if entry["command"] == "Connect":
            match = re.search(r" on (\S*) using ", text)
            current[session] = (match[1] if match else "") or None
        elif entry["command"] == "Init DB":
            current[session] = text
        elif entry["command"] in ("Query", "Execute"):
            if used := re.fullmatch(r"(?i)\s*use\s+`?([^`;\s]+)`?\s*;?\s*", text):
                current[session] = used[1]
            yield entry.start(), current.get(session), text


def _as_text(log: bytes) -> str:
    """A log's text; a statement may have been sent in another character set."""
    return log.decode("utf-8", "surrogateescape")
