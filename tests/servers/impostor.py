"""Servers that are not what they say they are: they ask for the password, and note what they get.

They listen on loopback under the name 127.1, which is no name of this machine to lockgate.
"""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

HOST = "127.1"
SSL_REQUEST, ENCRYPTION_REQUEST = 80877103, 80877104
AUTHENTICATION = {"clear": struct.pack("!I", 3), "md5": struct.pack("!I4s", 5, b"salt"),
                  "trust": struct.pack("!I", 0)}  # fmt: skip
CAPABILITIES = 0x00080000 | 0x00008000 | 0x00000200 | 0x00000001 | 0x00000008
TLS = 0x00000800
PATIENCE = 10.0

Talk = Callable[[socket.socket, list[bytes]], None]


@contextmanager
def listen(talk: Talk) -> Iterator[tuple[int, list[bytes]]]:
    """The port of a server that talks so to each client, and all that clients have sent."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.settimeout(PATIENCE)
            with client, suppress(OSError, struct.error):
                talk(client, heard)

    thread = Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def postgresql(kind: str) -> Talk:
    """Asks in this way: `clear`, `md5` or `trust`."""

    def talk(client: socket.socket, heard: list[bytes]) -> None:
        while True:
            (length,) = struct.unpack("!I", _exactly(client, 4))
            packet = _exactly(client, length - 4)
            if struct.unpack("!I", packet[:4])[0] not in (SSL_REQUEST, ENCRYPTION_REQUEST):
                break
            client.sendall(b"N")
        request = AUTHENTICATION[kind]
        client.sendall(b"R" + struct.pack("!I", len(request) + 4) + request)
        if data := client.recv(4096):
            heard.append(data)

    return talk


def mysql(plugin: str, then: tuple[bytes, ...], certificate: Path | None = None) -> Talk:
    """Greets with this plugin, and answers what the client says with these packets, in turn.

    With a certificate, in one file with its key, it offers TLS.
    """

    def talk(client: socket.socket, heard: list[bytes]) -> None:
        offered = CAPABILITIES | (TLS if certificate else 0)
        low, high = struct.pack("<H", offered & 0xFFFF), struct.pack("<H", offered >> 16)
        greeting = (
            b"\x0a9.7.0\0" + struct.pack("<I", 1) + b"a" * 8 + b"\0" + low + b"\xff\x02\0" + high
            + b"\x15" + b"\0" * 10 + b"b" * 12 + b"\0" + plugin.encode() + b"\0"
        )  # fmt: skip
        _send(client, 0, greeting)
        number, packet = _receive(client)
        if not certificate:
            return converse(client, heard, number, packet)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with context.wrap_socket(client, server_side=True) as secured:
            return converse(secured, heard, *_receive(secured))

    def converse(client: socket.socket, heard: list[bytes], number: int, packet: bytes) -> None:
        heard.append(packet)
        for answer in then:
            _send(client, number + 1, answer)
            number, packet = _receive(client)
            heard.append(packet)

    return talk


def switch_to(plugin: str) -> bytes:
    """The packet by which a server of MySQL asks for another plugin."""
    return b"\xfe" + plugin.encode() + b"\0" + b"a" * 20 + b"\0"


def _send(client: socket.socket, number: int, packet: bytes) -> None:
    client.sendall(struct.pack("<I", len(packet))[:3] + bytes([number % 256]) + packet)


def _receive(client: socket.socket) -> tuple[int, bytes]:
    head = _exactly(client, 4)
    (length,) = struct.unpack("<I", head[:3] + b"\0")
    return head[3], _exactly(client, length)


def _exactly(client: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        if not more:
            raise OSError("the client has left")
        data += more
    return data
