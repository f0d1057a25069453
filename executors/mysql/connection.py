"""Opening of sessions on MySQL and MariaDB, and their errors as ours; knows no ledger, no plan."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymysql

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.encryption import driver_options, read_level
from lockgate.executors.mysql.proof import LightConnection, ProvingConnection, unverified
from lockgate.planner.errors import Unreachable

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.keys import Timeouts

# https://dev.mysql.com/doc/mysql-errors/9.7/en/client-error-reference.html; 3169, 4031 and
# MariaDB's 1927 are the server's last words to a session that it ends.
LOST = frozenset({0, 1053, 1927, 2006, 2013, 2055, 3169, 4031})
NEAR = re.compile(r"near '(.*)' at line (\d+)\Z", re.DOTALL)
# They change nothing that a migration writes, so both sessions have them. DEFAULT would be the
# server's own; but of the clock it is the one way to let it go on.
OWN = (
    "time_zone = '+00:00'", "timestamp = default", "completion_type = 0",
    f"sql_select_limit = {2**64 - 1}", "sql_quote_show_create = 1",
)  # fmt: skip


def open_session(
    address: DatabaseAddress,
    timeouts: Timeouts,
    program: str,
    tls: Mapping[str, Any],
    capabilities: int = 0,
) -> Any:
    """A PyMySQL connection in autocommit mode, in UTF-8, that takes one statement at a time.

    `tls` are options from `tls_like`, or none; `capabilities` are flags of the protocol's client.

    Raises:
        Unreachable: no connection.
        UsageError: an option of the address is not known, or names a file that is not there.
    """
    address = address.renewed()
    password = address.password.get_secret_value() if address.password else ""
    try:
        connection = _kind(address)(
            host=address.host,
            unix_socket=address.socket,
            port=address.port,
            user=address.user,
            password=password.encode(),  # PyMySQL would encode it as Latin-1
            database=address.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=math.ceil(timeouts.connect),
            read_timeout=math.ceil(timeouts.connect),
            program_name=program,
            client_flag=capabilities,
            **(tls or driver_options(address.options)),
        )
    except (pymysql.Error, OSError, RuntimeError, ValueError) as error:
        said = error.args[-1] if isinstance(error, pymysql.Error) and error.args else error
        raise _unreachable(str(said)) from None
    # PyMySQL's own limit of connecting ends before the server's greeting is read, and it has no
    # public way to lift the limit of reading, which statements must not have.
    connection._read_timeout = None  # type: ignore[attr-defined]
    return connection


def _unreachable(said: str) -> Unreachable:
    """The error of a connection that could not be made, with what the driver said."""
    do = "Check the server and the connection in the environment's file."
    if "pynacl" in said.lower():
        said = "the account logs in by ed25519, for which the package PyNaCl is missing"
        do = "Install it: `pip install 'lockgate[ed25519]'`."
    elif plugin := re.search(r"Authentication plugin '(\w+)'", said):
        do = (
            f"lockgate cannot log in by {plugin[1]}. Give the account another plugin: "
            "caching_sha2_password on MySQL; ed25519 or mysql_native_password on MariaDB."
        )
    return Unreachable(f"No connection to the database: {said}", do=do)


def _kind(address: DatabaseAddress) -> type[LightConnection]:
    is_verified = read_level(address.options) == "verify-full"
    return ProvingConnection if address.is_guarded and not is_verified else LightConnection


def is_encrypted(connection: Any) -> bool:
    """Whether the traffic is encrypted."""
    return isinstance(connection._sock, ssl.SSLSocket)  # PyMySQL has no public way to ask


def tls_like(connection: Any, address: DatabaseAddress) -> dict[str, Any]:
    """Options under which further sessions are encrypted if this one is, and not if it is not."""
    if address.options:
        return {}
    if not is_encrypted(connection):
        return {"ssl_disabled": True}
    return {"ssl": unverified()}


def settings(timeouts: Timeouts, statement_limit: tuple[str, int], more: Iterable[str] = ()) -> str:
    """The SET of a session as every section is to find it, with `more` of a kind of server.

    The servers' own defaults let a statement wait for a metadata lock for a day and more. What
    a server gives to all sessions, by init_connect too, must neither leave our transactions open,
    nor cut off what we read, nor stop the clock.
    """
    wait = math.ceil(timeouts.lock)
    values = [
        *OWN,
        "autocommit = 1",  # apart, since it commits a transaction that is open
        f"lock_wait_timeout = {wait}",
        f"innodb_lock_wait_timeout = {wait}",
        *more,
    ]
    if timeouts.statement:
        name, scale = statement_limit
        # A fraction is MariaDB's; MySQL counts whole milliseconds.
        limit = f"{timeouts.statement:.3f}" if scale == 1 else math.ceil(timeouts.statement * scale)
        values.append(f"{name} = {limit}")
    return "set session " + ", session ".join(values)


@contextmanager
def translated() -> Iterator[None]:
    """PyMySQL's errors as ours."""
    try:
        yield
    except pymysql.Error as error:
        code, *message = error.args or (0,)
        text = str(message[0]) if message else str(code)
        if not isinstance(code, int) or code in LOST or isinstance(error, pymysql.InterfaceError):
            raise Unreachable(f"The connection was lost: {text or 'it is closed'}.") from error
        place = NEAR.search(text) if code == 1064 else None
        near, line = place.groups() if place else (None, 0)
        raise ServerError(str(code), text, line=int(line), near=near) from error


def version_number(version: str) -> int:
    """A version as one number, as in `/*!50100 */`.

    >>> version_number("10.11.6-MariaDB-log")
    101106
    """
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    assert match, version
    major, minor, patch = (int(part) for part in match.groups())
    return major * 10000 + minor * 100 + patch
