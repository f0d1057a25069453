"""The address of a database, from a URL or from the parts of one.

Must not connect, and must show no part of a URL: a mistyped one may show the password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import quote, unquote

from pydantic import SecretStr

from lockgate.planner.value import frozen, replace

EngineName = Literal["postgresql", "mysql", "mariadb"]
Elsewhere = Callable[[str | None], Mapping[str, str]]
"""What libpq takes where a URL does not say it, by its names, for a service or for none."""

SCHEMES: Mapping[str, EngineName] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
}
PORTS: Mapping[EngineName, int] = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
URL = re.compile(
    r"\w+://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<endpoint>[^@/?#]*)(?:/(?P<database>[^@/?#]*))?(?:\?(?P<query>[^@#]*))?"
)
ENDPOINT = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%25\w+)?)\]|(?P<host>[^\[\]:,]*))(?::(?P<port>[0-9]{1,5}))?"
)
PARTS = frozenset({"host", "port", "user", "dbname", "password"})
"""The parts of an address, by libpq's names."""
LOGIN = frozenset({"user", "port", "dbname"})
REDIRECTIONS = frozenset({"hostaddr", "service", "servicefile"})
"""Options of libpq that lead to another host than the one that is named."""
ENDPOINTS = ("host", "socket", "unix_socket")
ENCODE = "percent-encode / ? # @ : and % in user and password (@ is %40), or name the parts instead"


@frozen
class DatabaseAddress:
    """All that a driver needs to connect; either host or socket is set. Never shows the password.

    `options` may name a key file, so they are not shown either.
    """

    engine: EngineName
    database: str
    user: str
    port: int
    host: str | None = None
    socket: str | None = None
    password: SecretStr | None = None
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    has_own_password: bool = True
    """Whether host and password are from one place. Where the host is named elsewhere, anyone who
    names it could have the password sent to himself."""

    renew: Callable[[], DatabaseAddress] | None = field(default=None, repr=False, compare=False)
    """Asks the command that its secrets are from for new ones; None: they do not change."""

    def renewed(self) -> DatabaseAddress:
        """The address to connect by now: tokens of clouds live for minutes.

        Raises:
            Unreachable: the command that prints them fails.
        """
        if self.renew is None:
            return self
        return replace(self.renew(), database=self.database, renew=self.renew)

    @property
    def url(self) -> str:
        """The URL of this address, without its password and its options."""
        return self._url("")

    @property
    def secret_url(self) -> str:
        """The URL of this address with its password, to connect by; never to be shown."""
        secret = self.password.get_secret_value() if self.password else ""
        return self._url(f":{quote(secret, safe='')}" if secret else "")

    def _url(self, secret: str) -> str:
        hosts = (self.host or "").split(",")
        place = "" if self.socket else ",".join(f"{host}:{self.port}" for host in hosts)
        query = f"?host={quote(self.socket)}" if self.socket else ""
        user, database = quote(self.user, safe=""), quote(self.database, safe="")
        return f"{self.engine}://{user}{secret}@{place}/{database}{query}"

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine: no one else can listen there."""
        if self.options.keys() & REDIRECTIONS:
            return False
        if self.socket is not None:
            return self.socket.startswith("/") and "," not in self.socket
        return self.host == "localhost" or _is_loopback(self.host or "")

    @property
    def is_guarded(self) -> bool:
        """Whether a password may be sent only as a proof of it, or to a server that has proved
        who it is: also one that a driver finds by itself."""
        return not self.has_own_password and not self.is_local


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_url(url: str, elsewhere: Elsewhere | None = None) -> DatabaseAddress:
    """The address that a URL spells: `scheme://user:password@host:port/database?option=value`.
    What it does not say of PostgreSQL is taken from `elsewhere`.

    https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING-URIS

    Raises: ValueError, which shows no part of the URL: a mistyped one may show the password.
    """
    engine = SCHEMES.get(url.partition("://")[0]) if "://" in url else None
    if engine is None:
        raise ValueError("a URL starts with postgresql://, postgres://, mysql:// or mariadb://")
    match = URL.fullmatch(url)
    if match is None or not url.isprintable() or " " in url:
        raise ValueError(f"the URL is not user:password@host:port/database?options; {ENCODE}")
    options = _options(match["query"] or "")
    other: Mapping[str, str] = {}
    if elsewhere and engine == "postgresql":
        other = elsewhere(options.pop("service", None))
    user, database = (_decode(match[name] or "") for name in ("user", "database"))
    user, database = user or other.get("user", ""), database or other.get("dbname", "")
    if not user or not database:
        raise ValueError(f"the URL names no {'database' if user else 'user'}")
    hosts, port = _endpoint(match["endpoint"], several=engine == "postgresql")
    hosts += [options.pop(key) for key in ENDPOINTS if key in options]
    named = list(filter(None, hosts)) or list(filter(None, [other.get("host")]))
    if len(named) != 1:
        raise ValueError(
            "the URL names not exactly one host; a socket is ?host=/folder or ?socket=/file"
        )
    password, on_disk = (
        _decode(match["password"] or "") or other.get("password"),
        named[0][0] == "/",
    )
    return DatabaseAddress(
        engine=engine,
        database=database,
        user=user,
        port=port or int(other.get("port") or PORTS[engine]),
        host=None if on_disk else named[0],
        socket=named[0] if on_disk else None,
        password=SecretStr(password) if password else None,
        options={key: other[key] for key in other.keys() - PARTS} | options,
    )


def complete_url(url: str, elsewhere: Elsewhere | None) -> str:
    """The URL, with what it leaves open written into it: a secret then.

    Raises: ValueError as `parse_url`.
    """
    with suppress(ValueError):
        parse_url(url)
        return url
    address = parse_url(url, elsewhere)
    options = "&".join(f"{key}={quote(text, safe='')}" for key, text in address.options.items())
    return f"{address.secret_url}{'&' if address.socket else '?'}{options}".rstrip("?&")


def _endpoint(text: str, *, several: bool) -> tuple[list[str], int | None]:
    """The host, or those of one port with commas between them, and the port."""
    matches = [ENDPOINT.fullmatch(part) for part in (text.split(",") if several else [text])]
    found = [match for match in matches if match]
    ports = {int(match["port"]) if match["port"] else None for match in found}
    if len(found) != len(matches) or not all(
        port is None or port in range(1, 65536) for port in ports
    ):
        raise ValueError(f"the URL's host or port cannot be read; {ENCODE}")
    if len(ports) > 1:
        raise ValueError("the URL's hosts have several ports; give all of them the same")
    return [",".join(_decode(one["v6"] or one["host"]) for one in found)], ports.pop()


def _options(query: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    options = {_decode(key): _decode(value) for key, _, value in pairs}
    if len(options) != len(pairs) or LOGIN & options.keys():
        raise ValueError("an option of the URL is there twice, or belongs before the ?")
    refuse_secrets(options)
    return options


def refuse_parts(options: Mapping[str, str]) -> None:
    """Raises ValueError when an option says what a key of the address says."""
    if options.keys() & {*LOGIN, *ENDPOINTS}:
        raise ValueError(
            "an option says where to connect to: write host, socket, port, user or name beside "
            "`options`"
        )


def refuse_secrets(options: Mapping[str, str]) -> None:
    if any(re.search("pass(word)?$|secret", key) for key in options):
        raise ValueError("an option would hold a secret, and options are not kept secret")


def _decode(text: str) -> str:
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise ValueError(f"the URL has a % without two hexadecimal digits; {ENCODE}")
    with suppress(UnicodeDecodeError):
        return unquote(text, errors="strict")
    raise ValueError("the URL's percent-encoding is not UTF-8")
