"""What lies in wait in the proxy: counts the client's messages, and acts at one of them.

It must not read a clock: where it acts depends on the messages alone.
"""

from collections.abc import Callable
from typing import Literal

from tests.proxy import Connection, Direction
from tests.servers.framing import UNANSWERED

Forward = Callable[[], None]
Then = Literal["pass", "drop"]
Act = Callable[[Connection], Then]
"""Does the fault; says what becomes of this message and, of a command that is dead, the rest."""

ASKED = frozenset(b"QSEFc")
"""PostgreSQL's Query, Sync, Execute, FunctionCall, CopyDone. A start-up packet begins with 0."""

PARSE = b"P"  # MySQL's packets begin with their length

ANSWERED = frozenset(b"ZEG")
"""ReadyForQuery, ErrorResponse, CopyInResponse: by then the server has done what was asked."""


class Counter:
    """Counts messages that ask for something, and keeps a word of each."""

    def __init__(self, protocol: str) -> None:
        self._is_request = _is_postgresql_request if protocol == "postgresql" else _is_command
        self.labels: list[str] = []
        self._parsed = ""

    def __call__(
        self, connection: Connection, direction: Direction, message: bytes, forward: Forward
    ) -> None:
        self.count(direction, message)
        forward()

    def count(self, direction: Direction, message: bytes) -> bool:
        """Whether the message is one that counts."""
        if direction == "server":
            return False
        if message[:1] == PARSE:
            self._parsed = _text(message)
        if not self._is_request(message):
            return False
        self.labels.append(_text(message) or f"{chr(message[0])} {self._parsed}")
        return True


class Trap(Counter):
    """Acts at the `number`-th message, on one of the sides that `fault.SIDES` names."""

    def __init__(self, protocol: str, number: int, side: str, act: Act) -> None:
        super().__init__(protocol)
        self.number = number
        self.side = side
        self.sprung = False
        self._act = act
        self._answers = ANSWERED if protocol == "postgresql" else None
        self._asker: Connection | None = None
        self._withheld: list[Forward] = []
        self._dead = False

    def __call__(
        self, connection: Connection, direction: Direction, message: bytes, forward: Forward
    ) -> None:
        if self._dead:
            return
        if self.count(direction, message) and len(self.labels) == self.number:
            self._reach(connection, forward)
        elif connection is self._asker and direction == "server":
            self._withhold(connection, message, forward)
        else:
            forward()

    def _reach(self, connection: Connection, forward: Forward) -> None:
        if self.side == "after":
            self._asker = connection
            forward()
        elif self.side == "during":
            forward()
            self._spring(connection)
        elif self._spring(connection) == "pass":
            forward()

    def _withhold(self, connection: Connection, message: bytes, forward: Forward) -> None:
        self._withheld.append(forward)
        if self._answers is not None and message[0] not in self._answers:
            return
        self._asker = None
        if self._spring(connection) == "pass":
            for each in self._withheld:
                each()

    def _spring(self, connection: Connection) -> Then:
        self.sprung = True
        then = self._act(connection)
        self._dead = then == "drop"
        return then


def _is_postgresql_request(message: bytes) -> bool:
    return message[0] in ASKED


def _is_command(message: bytes) -> bool:
    return len(message) > 4 and message[3] == 0 and message[4] not in UNANSWERED


def _text(message: bytes) -> str:
    """The message's first words, for people."""
    return " ".join(message[5:100].decode(errors="replace").replace("\0", " ").split())
