"""The servers' own command-line clients: psql, mysql and mariadb."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from lockgate.executors.mysql.encryption import read_level
from lockgate.executors.postgresql.connection import guard_options
from lockgate.executors.programs.installations import wheel_installation
from lockgate.executors.programs.program import find_program
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress

NAMES = {"postgresql": ("psql",), "mysql": ("mysql", "mariadb"), "mariadb": ("mariadb", "mysql")}
EMBEDDED = ("psql", "pg_dump")
"""What the package of the embedded server has too."""
STATEMENT = {"psql": "-c", "mysql": "-e", "mariadb": "-e"}
ENCRYPTED = {
    "off": ("--ssl-mode=DISABLED", "--skip-ssl"),
    "required": ("--ssl-mode=REQUIRED", "--ssl"),
    "verify-ca": ("--ssl-mode=VERIFY_CA", "--ssl-verify-server-cert"),
    "verify-full": ("--ssl-mode=VERIFY_IDENTITY", "--ssl-verify-server-cert"),
}
"""How the programs of MySQL, and those of MariaDB, take how much TLS is wanted."""
OPTIONS = {"ssl_ca": "ssl-ca", "ssl_cert": "ssl-cert", "ssl_key": "ssl-key"}


def client_command(
    address: DatabaseAddress, sql: str | None
) -> tuple[list[str], Mapping[str, str]]:
    """The command line that connects, and the variables with what no process list may show.

    `sql` is one statement to run; None: the client asks for them.

    Raises:
        UsageError: no client is to be found.
    """
    found, address = find_client(NAMES[address.engine]), address.renewed()
    is_family = address.engine != "postgresql"
    arguments = flags(address, found) if is_family else [conninfo(address)]
    statement = [] if sql is None else [STATEMENT[Path(found).name], sql]
    return [found, *arguments, *statement], secret(address)


def secret(address: DatabaseAddress) -> Mapping[str, str]:
    """The variable by which a client learns the password, which no process list may show."""
    if address.password is None:
        return {}
    variable = "PGPASSWORD" if address.engine == "postgresql" else "MYSQL_PWD"
    return {variable: address.password.get_secret_value()}


def find_client(names: tuple[str, ...]) -> str:
    """The place of the first of these programs that is there.

    Raises:
        UsageError: none is.
    """
    if path := _place(names):
        return path
    raise UsageError(
        f"There is no {' or '.join(names)} in PATH.",
        do="Install the server's client programs"
        + (
            f", or `pip install 'lockgate[embedded]'`, which has {names[0]}."
            if names[0] in EMBEDDED
            else "."
        ),
    )


def has_client(address: DatabaseAddress) -> bool:
    """Whether a client for the address's server is there."""
    return _place(NAMES[address.engine]) is not None


def _place(names: tuple[str, ...]) -> str | None:
    for name in names:
        # pg_dump refuses a server that is newer than itself, so the newer one is taken first.
        places = (_embedded, find_program) if name == "pg_dump" else (find_program, _embedded)
        if path := next(filter(None, (place(name) for place in places)), None):
            return path
    return None


def _embedded(name: str) -> str | None:
    """The client that comes with the embedded server."""
    wheel = wheel_installation()
    path = wheel.folder / "bin" / name if wheel else None
    return str(path) if path and path.is_file() else None


def conninfo(address: DatabaseAddress) -> str:
    """Where to connect to, as the programs of PostgreSQL take it."""
    return make_conninfo(
        host=address.socket or address.host,
        port=address.port,
        user=address.user,
        dbname=address.database,
        **{**address.options, **guard_options(address)},
    )


def flags(address: DatabaseAddress, program: str) -> list[str]:
    """Where to connect to, as a program of MySQL or MariaDB takes it. A guarded password goes only
    to a server that proves who it is."""
    place = (
        [f"--socket={address.socket}"]
        if address.socket
        else [f"--host={address.host}", f"--port={address.port}", "--protocol=tcp"]
    )
    named = [
        f"--{OPTIONS[key]}={value}" for key, value in address.options.items() if key in OPTIONS
    ]
    is_guarded = address.is_guarded and address.password
    if level := "verify-full" if is_guarded else read_level(address.options):
        is_mariadb = Path(program).name.startswith("mariadb")
        named.append(ENCRYPTED[level][is_mariadb])
    return [*place, f"--user={address.user}", *named, address.database]
