"""Connections to MySQL and MariaDB that prove that they know the password, and never send it.

A server chooses how a client is to prove itself, and one that is not who it says it is chooses
clear text, or a key of its own to encrypt the password with.
https://dev.mysql.com/doc/refman/en/caching-sha2-pluggable-authentication.html
"""

from __future__ import annotations

import ssl
from typing import Any

from pymysql.connections import Connection
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_NO_BACKSLASH_ESCAPES

from lockgate.planner.errors import UsageError

PROVING = "mysql_native_password"
ANSWERS = ("mysql_native_password", "caching_sha2_password", "client_ed25519", "")
"""What a first answer to the server's greeting may be in; others would hold the password."""
ESCAPES = (
    ("\\", "\\\\"), ("\0", "\\0"), ("\n", "\\n"), ("\r", "\\r"), ("\x1a", "\\Z"),
    ('"', '\\"'), ("'", "\\'"),
)  # fmt: skip
"""Of PyMySQL: the backslash comes first, which the others bring in."""


class LightConnection(Connection):
    """A connection of PyMySQL that reads the machine's certificates only to verify by them.

    PyMySQL reads them for each session (30 ms), to trust any server in the end. And it looks up
    each character of a text that it escapes (20 ms a megabyte), where this takes an eighth of that.
    """

    server_status: int

    def escape(self, obj: object, mapping: Any = None) -> str:
        """A value as it is written in SQL."""
        if not isinstance(obj, str) or self.server_status & SERVER_STATUS_NO_BACKSLASH_ESCAPES:
            return str(super().escape(obj, mapping))
        text = obj
        for sign, escaped in ESCAPES:
            text = text.replace(sign, escaped)
        return f"'{text}'"

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        return super()._create_ssl_ctx(sslp or unverified())  # type: ignore[misc, no-any-return]


class ProvingConnection(LightConnection):
    """A connection of PyMySQL that ends rather than give the password away."""

    _auth_plugin_name: str
    password: bytes

    @property
    def server_public_key(self) -> bytes | None:
        """What PyMySQL would encrypt the password with."""
        return None

    @server_public_key.setter
    def server_public_key(self, key: bytes | None) -> None:
        if key is not None:
            raise _refused("encrypted with a key that was not verified")

    def _request_authentication(self) -> None:
        if self._auth_plugin_name not in ANSWERS:
            self._auth_plugin_name = PROVING
        super()._request_authentication()  # type: ignore[misc]

    def write_packet(self, payload: bytes) -> None:
        """Sends a packet, unless it is the password."""
        if self.password and payload.rstrip(b"\0") == self.password:
            raise _refused("in clear text")
        super().write_packet(payload)


def unverified() -> ssl.SSLContext:
    """What encrypts a session with a server that need not prove who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _refused(how: str) -> UsageError:
    return UsageError(
        f"The server asks for the password {how}, and it was not sent.",
        why="The environment's file names the host, and its password is from another place: only "
        "a server that proves who it is gets it.",
        do="Verify the server: `options: {tls: verify-full, ssl_ca: FILE}`. "
        "Or put all of the address into one secret, with `url_env`.",
    )
