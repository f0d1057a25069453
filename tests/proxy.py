"""A TCP proxy between a client under test and a database: counts, delays, holds, and cuts.

It must not change a byte. What it counts depends on the bytes alone, never on their timing.
"""

import contextlib
import heapq
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.framing import MySQLFraming, PostgresFraming

Direction = Literal["client", "server"]
Predicate = Callable[[Direction, bytes], bool]
Interposer = Callable[["Connection", Direction, bytes, Callable[[], None]], None]

FRAMINGS: dict[str, type[PostgresFraming] | type[MySQLFraming]] = {
    "postgresql": PostgresFraming,
    "mysql": MySQLFraming,
}

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with zero seconds: close() sends RST in place of FIN."""


@dataclass(eq=False)
class End:
    """One socket of a connection, and what still has to be written to it."""

    connection: "Connection"
    direction: Direction
    """Whose socket this is: what is read here was sent by the client, or by the server."""
    socket: socket.socket
    pending: deque[bytes] = field(default_factory=deque)
    ended: bool = False
    """The peer has sent all that it will send."""
    closing: bool = False
    """After the pending bytes, our writing side is shut down."""

    @property
    def other(self) -> "End":
        client, server = self.connection.ends
        return server if self is client else client


class Connection:
    """One client's connection and its twin to the server."""

    def __init__(self, client: socket.socket, server: socket.socket, protocol: str) -> None:
        self.framing = FRAMINGS[protocol]()
        self.ends = (End(self, "client", client), End(self, "server", server))
        self.open = True


class Proxy:
    """A proxy on a free port of 127.0.0.1, served by one thread from `with` to its end."""

    def __init__(
        self,
        target_host: str,
        target_port: int,
        protocol: str = "postgresql",
        latency: float = 0.0,
    ) -> None:
        self.latency = latency
        """Seconds that each message waits, each way."""
        self._target = (target_host, target_port)
        self._protocol = "mysql" if protocol == "mariadb" else protocol
        self._connections: list[Connection] = []
        self._all: list[PostgresFraming | MySQLFraming] = []
        self._sent: list[bytes] = []
        self._predicate: Predicate | None = None
        self._fired = threading.Event()
        self._interposer: Interposer | None = None
        self._delayed: list[tuple[float, int, End, bytes]] = []
        self._serial = 0
        self._last_due = 0.0
        self._commands: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._failure: BaseException | None = None
        self._running = True

    def __enter__(self) -> "Proxy":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.host, self.port = self._listener.getsockname()
        self._waker, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._command(self._end)
        self._thread.join()
        for each in (self._listener, self._waker, self._woken):
            each.close()
        self._selector.close()
        if self._failure:
            raise self._failure

    @property
    def round_trips(self) -> int:
        """How many of the client's messages so far ask for an answer, over all connections.

        PostgreSQL: start-up packets (SSLRequest, GSSENCRequest, StartupMessage, CancelRequest),
        password and SASL answers, Query, Sync, FunctionCall, Flush, CopyDone, CopyFail. Several
        of them may travel together, such as libpq's Sync and Flush after a pipeline, so this is
        an upper bound. MySQL: the packets that begin a
        command, except those without an answer (COM_QUIT, COM_STMT_CLOSE), and the client's
        packets of the handshake. Nothing is counted once a connection is encrypted.
        """
        return sum(framing.round_trips for framing in self._all)

    @property
    def turns(self) -> int:
        """How often the server so far handed the turn to the client, over all connections.

        PostgreSQL: the answer to SSLRequest, a demand for a password, ReadyForQuery, and the
        invitation to copy. For a client that pipelines nothing beyond its Sync this is the exact
        number of round trips. MySQL: the same as `round_trips`.
        """
        return sum(framing.turns for framing in self._all)

    @property
    def bytes_from_client(self) -> bytes:
        """All that clients have sent so far, over all connections, in order of arrival."""
        return b"".join(self._sent)

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return len(self._all)

    def cut(self) -> None:
        """Severs all connections with RST, both sides; new ones are accepted as before."""
        self._command(self._cut_all)

    def cut_when(self, predicate: Predicate) -> threading.Event:
        """Severs the first connection with a message for which the predicate holds.

        The predicate gets each whole protocol message in turn, with its header, and whether
        "client" or "server" sent it. The message itself is not forwarded; those before it are,
        except that a client's unread ones may die with the connection. Fires once; the event
        returned is set just before, so anyone who sees the cut sees it set.
        """
        self._fired = threading.Event()
        self._predicate = predicate
        return self._fired

    def interpose(self, interposer: Interposer | None) -> None:
        """Hands each whole message to a function, which forwards it by calling its last argument.

        It is called in the proxy's own thread, so all connections stand still until it returns.
        What it does not forward is lost; it may forward later, from a later call, and it may
        sever connections. None ends that.
        """
        self._command(lambda: setattr(self, "_interposer", interposer))

    def sever(self, connection: Connection) -> None:
        """Severs one connection with RST, both sides."""
        self._command(lambda: self._sever(connection))

    def _command(self, action: Callable[[], None]) -> None:
        if threading.current_thread() is self._thread:  # a predicate asks
            action()
            return
        done = threading.Event()
        self._commands.append((action, done))
        self._waker.send(b"!")
        while not done.wait(0.1):
            if not self._thread.is_alive():
                return

    def _end(self) -> None:
        self._cut_all()
        self._running = False

    def _cut_all(self) -> None:
        for connection in list(self._connections):
            self._sever(connection)

    def _serve(self) -> None:
        try:
            while self._running:
                for key, events in self._selector.select(self._seconds_to_next()):
                    self._handle(key, events)
                self._deliver_due()
        except BaseException as error:
            self._failure = error
            self._cut_all()

    def _handle(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._listener:
            self._accept()
        elif key.fileobj is self._woken:
            self._obey()
        elif key.data.connection.open:
            if events & selectors.EVENT_WRITE:
                self._flush(key.data)
            if events & selectors.EVENT_READ and key.data.connection.open:
                self._read(key.data)

    def _obey(self) -> None:
        self._woken.recv(1)
        action, done = self._commands.popleft()
        try:
            action()
        finally:
            done.set()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the client is gone already
            return
        try:
            server = socket.create_connection(self._target, timeout=10)
        except OSError:
            _reset(client)
            return
        connection = Connection(client, server, self._protocol)
        self._connections.append(connection)
        self._all.append(connection.framing)
        for end in connection.ends:
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end.socket, selectors.EVENT_READ, end)

    def _read(self, end: End) -> None:
        try:
            data = end.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            self._sever(end.connection)
            return
        if not data:
            self._read_end(end)
            return
        if end.direction == "client":
            self._sent.append(data)
        self._pass_on(end, data)

    def _pass_on(self, end: End, data: bytes) -> None:
        for message in end.connection.framing.messages(end.direction, data):
            if self._is_last(end.direction, message):
                self._fired.set()
                self._sever(end.connection)
                return
            self._offer(end, message)
            if not end.connection.open:
                return

    def _offer(self, end: End, message: bytes) -> None:
        if self._interposer is None:
            self._forward(end.other, message)
            return
        self._interposer(
            end.connection, end.direction, message, lambda: self._forward_open(end.other, message)
        )

    def _forward_open(self, end: End, message: bytes) -> None:
        if end.connection.open:
            self._forward(end, message)

    def _read_end(self, end: End) -> None:
        end.ended = True
        self._watch(end)
        if rest := end.connection.framing.rest(end.direction):
            self._forward(end.other, rest)
        self._forward(end.other, b"")

    def _is_last(self, direction: Direction, message: bytes) -> bool:
        if self._predicate is None or not self._predicate(direction, message):
            return False
        self._predicate = None
        return True

    def _forward(self, end: End, message: bytes) -> None:
        """Sends a message after the latency; an empty one means the end of the stream."""
        if not self.latency and not self._delayed:
            self._deliver(end, message)
            return
        self._serial += 1
        due = self._last_due = max(time.monotonic() + self.latency, self._last_due)
        heapq.heappush(self._delayed, (due, self._serial, end, message))

    def _seconds_to_next(self) -> float | None:
        return max(0.0, self._delayed[0][0] - time.monotonic()) if self._delayed else None

    def _deliver_due(self) -> None:
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            _, _, end, message = heapq.heappop(self._delayed)
            if end.connection.open:
                self._deliver(end, message)

    def _deliver(self, end: End, message: bytes) -> None:
        if message:
            end.pending.append(message)
        else:
            end.closing = True
        self._flush(end)

    def _flush(self, end: End) -> None:
        try:
            while end.pending:
                sent = end.socket.send(end.pending[0])
                if sent < len(end.pending[0]):
                    end.pending[0] = end.pending[0][sent:]
                else:
                    end.pending.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._sever(end.connection)
            return
        self._finish(end)

    def _finish(self, end: End) -> None:
        if end.closing and not end.pending:
            if end.other.closing and not end.other.pending:
                self._close(end.connection)
                return
            with contextlib.suppress(OSError):
                end.socket.shutdown(socket.SHUT_WR)
        self._watch(end)

    def _watch(self, end: End) -> None:
        """Asks the selector for what this end can still do; one that can do nothing is left out."""
        wanted = 0 if end.ended else selectors.EVENT_READ
        wanted |= selectors.EVENT_WRITE if end.pending else 0
        key = self._selector.get_map().get(end.socket)
        if wanted == (key.events if key else 0):
            return
        if key:
            self._selector.unregister(end.socket)
        if wanted:
            self._selector.register(end.socket, wanted, end)

    def _sever(self, connection: Connection) -> None:
        for end in connection.ends:
            with contextlib.suppress(OSError):
                end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        if not connection.open:
            return
        connection.open = False
        self._connections.remove(connection)
        for end in connection.ends:
            if end.socket in self._selector.get_map():
                self._selector.unregister(end.socket)
            end.socket.close()


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    client.close()
