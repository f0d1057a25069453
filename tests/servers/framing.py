"""Splits the streams of the PostgreSQL and MySQL protocols into messages, and counts the turns.

It must not touch a socket, and must not keep a byte back once a stream is encrypted.
"""

import struct
from collections.abc import Callable

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104

ASKING = frozenset(b"pQSFHcf")
"""What a PostgreSQL client may wait for an answer to: password or SASL, Query, Sync,
FunctionCall, Flush, CopyDone, CopyFail.
https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

YIELDING = frozenset(b"ZGW")
"""With what a PostgreSQL server hands the turn over: ReadyForQuery, CopyIn-, CopyBothResponse."""

SILENT_AUTHENTICATION = frozenset({0, 12})
"""AuthenticationOk and AuthenticationSASLFinal ask for nothing."""

UNANSWERED = frozenset({0x01, 0x18, 0x19})
"""MySQL commands that get no answer: COM_QUIT, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE.
https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
"""

CLIENT_SSL = 0x800


class PostgresFraming:
    """The state of one PostgreSQL connection, both directions."""

    def __init__(self) -> None:
        self.round_trips = 0
        self.turns = 0
        self._buffers = {"client": b"", "server": b""}
        self._started = False
        self._answer_is_a_byte = False
        self._opaque = False

    def messages(self, direction: str, data: bytes) -> list[bytes]:
        """The whole messages that this data completes; the rest is kept for the next call."""
        cut = self._cut_client if direction == "client" else self._cut_server
        return _drain(self._buffers, direction, data, cut)

    def rest(self, direction: str) -> bytes:
        """The part of a message with which a stream ended, empty as a rule."""
        return self._buffers[direction]

    def _cut_client(self, buffer: bytes) -> int:
        """The length of the client's first message, 0 while it is not complete."""
        if self._opaque:
            return len(buffer)
        if not self._started:
            return self._cut_start(buffer)
        size = _typed_size(buffer)
        if size:
            self.round_trips += buffer[0] in ASKING
        return size

    def _cut_start(self, buffer: bytes) -> int:
        if buffer[:1] == b"\x16":  # a TLS handshake: sslnegotiation=direct
            self._opaque = True
            return len(buffer)
        if len(buffer) < 8:
            return 0
        size, code = struct.unpack(">II", buffer[:8])
        if len(buffer) < size:
            return 0
        self.round_trips += 1
        self._answer_is_a_byte = code in (SSL_REQUEST, GSS_REQUEST)
        self._started = not self._answer_is_a_byte
        return int(size)

    def _cut_server(self, buffer: bytes) -> int:
        """The length of the server's first message, 0 while it is not complete."""
        if self._opaque:
            return len(buffer)
        if self._answer_is_a_byte:
            self._answer_is_a_byte = False
            self.turns += 1
            self._opaque = buffer[:1] in (b"S", b"G")
            return 1
        size = _typed_size(buffer)
        if size:
            self.turns += _hands_over(buffer)
        return size


class MySQLFraming:
    """The state of one MySQL or MariaDB connection, both directions; compression is not known."""

    def __init__(self) -> None:
        self.round_trips = 0
        self._buffers = {"client": b"", "server": b""}
        self._handshaking = True
        self._opaque = False

    @property
    def turns(self) -> int:
        """The round trips: a MySQL client has no other choice than to wait."""
        return self.round_trips

    def messages(self, direction: str, data: bytes) -> list[bytes]:
        """The whole packets that this data completes; the rest is kept for the next call."""
        cut = self._cut_client if direction == "client" else self._cut
        return _drain(self._buffers, direction, data, cut)

    def rest(self, direction: str) -> bytes:
        """The part of a message with which a stream ended, empty as a rule."""
        return self._buffers[direction]

    def _cut(self, buffer: bytes) -> int:
        if self._opaque:
            return len(buffer)
        size = 4 + int.from_bytes(buffer[:3], "little")
        return size if len(buffer) >= max(size, 4) else 0

    def _cut_client(self, buffer: bytes) -> int:
        size = self._cut(buffer)
        if size and not self._opaque:
            self._count(buffer[3], buffer[4:size])
        return size

    def _count(self, sequence: int, payload: bytes) -> None:
        if sequence == 0:
            self._handshaking = False
            self.round_trips += payload[:1] != b"" and payload[0] not in UNANSWERED
        elif self._handshaking:
            flags = int.from_bytes(payload[:2], "little")
            self._opaque = sequence == 1 and len(payload) == 32 and bool(flags & CLIENT_SSL)
            self.round_trips += 1


def _drain(
    buffers: dict[str, bytes], direction: str, data: bytes, cut: Callable[[bytes], int]
) -> list[bytes]:
    buffer, found = buffers[direction] + data, []
    while buffer and (size := cut(buffer)):
        found.append(buffer[:size])
        buffer = buffer[size:]
    buffers[direction] = buffer
    return found


def _typed_size(buffer: bytes) -> int:
    """The length of a message with a type byte, 0 while it is not complete.

    >>> _typed_size(b"S" + bytes([0, 0, 0, 4]) + b"rest"), _typed_size(b"S" + bytes(3))
    (5, 0)
    """
    if len(buffer) < 5:
        return 0
    size = 1 + int.from_bytes(buffer[1:5], "big")
    return size if len(buffer) >= size else 0


def _hands_over(message: bytes) -> bool:
    if message[:1] == b"R":
        return int.from_bytes(message[5:9], "big") not in SILENT_AUTHENTICATION
    return message[0] in YIELDING
