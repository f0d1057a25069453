"""A private PgBouncer in front of a test server.

It must not keep a password: it lets everybody in, as the server's own user.
"""

import shutil
from typing import Self

import psycopg

from tests.servers import fetch
from tests.servers.postgres import PostgresServer
from tests.servers.process import ServerProcess, free_port, unprivileged_user

CONFIGURATION = """\
[databases]
* = host={server.host} port={server.port} user={server.user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = extra_float_digits
default_pool_size = {size}
server_reset_query =
{account}
"""


class PgBouncer:
    """A running PgBouncer; `mode` is "transaction" or "session", `size` the most server sessions
    for a database. It hands a session on as its client has left it."""

    engine = "postgresql"
    host = "127.0.0.1"

    def __init__(self, server: PostgresServer, mode: str, size: int = 20) -> None:
        self._server, self._size = server, size
        self._process = ServerProcess()
        try:
            self.port = free_port()
            self._start(mode)
        except BaseException:
            self._process.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.stop()

    def url(self, database: str, *, port: int | None = None) -> str:
        """The address of a database behind the pooler."""
        return self._server.url(database, port=port or self.port)

    def _start(self, mode: str) -> None:
        account = unprivileged_user()
        text = CONFIGURATION.format(
            server=self._server,
            port=self.port,
            mode=mode,
            size=self._size,
            account=f"user = {account.pw_name}" if account else "",
        )
        file = self._process.directory / "pgbouncer.ini"
        file.write_text(text)
        if account:  # it reads the file again as the account that it takes on
            self._process.directory.chmod(0o755)
        self._process.start([*_program(), str(file)])
        self._process.await_ready(self._answers)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


def _program() -> list[str]:
    """The machine's own pgbouncer, else that of the machine's own Debian."""
    if local := shutil.which("pgbouncer"):
        return [local]
    root = fetch.unpacked("pgbouncer", ("pgbouncer",), fetch.machine_suite())
    return fetch.through_loader(root, "sbin/pgbouncer")
