"""Running of `migrate` from the nursery, in a way that it can be killed at any moment.

It must not know what a fault is.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import nursery

DEADLINE = 90.0
"""Seconds after which a command that has not ended is killed, and said to hang."""

HUNG = -99


@dataclass(frozen=True)
class Ending:
    """How a command ended: its exit code, minus the signal that killed it, or HUNG."""

    code: int
    text: str


class Nursery:
    """The process that forks commands; it lives for a `with` block."""

    def __init__(self, folder: Path) -> None:
        self._output = folder / "output.txt"
        self._born = threading.Event()
        self._pid = 0

    def __enter__(self) -> "Nursery":
        self._process = subprocess.Popen(
            [sys.executable, nursery.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "LOCKGATE_DEBUG": "1", "LOCKGATE_ENVIRONMENT": "test"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """The running command's process id; waits for its birth."""
        self._born.wait(DEADLINE)
        return self._pid

    def run(self, folder: Path, arguments: tuple[str, ...], environ: Mapping[str, str]) -> Ending:
        """Runs a command to its end, whoever brings that about."""
        self._born.clear()
        self._send({"folder": str(folder), "arguments": arguments, "environ": dict(environ)})
        self._pid = self._receive()
        self._born.set()
        code = self._await_end()
        return Ending(code, self._output.read_text(errors="replace"))

    def _await_end(self) -> int:
        hung: list[int] = []
        timer = threading.Timer(DEADLINE, lambda: self._end_hung(hung))
        timer.start()
        code = self._receive()
        timer.cancel()
        return HUNG if hung else code

    def _end_hung(self, hung: list[int]) -> None:
        hung.append(self._pid)
        send_signal(self._pid, signal.SIGKILL)

    def _send(self, job: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**job, "output": str(self._output)}) + "\n")
        self._process.stdin.flush()

    def _receive(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def send_signal(pid: int, number: int) -> None:
    """Sends a signal, if the process still is there to have it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def has_caught(pid: int) -> Callable[[], bool]:
    """A condition: lockgate's handler has taken SIGTERM, or the process has ended.

    The handler's first deed is to ignore further signals, and the kernel shows that.
    """

    def caught() -> bool:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return True
        fields = dict(line.split(":", 1) for line in status.splitlines())
        ignored = int(fields.get("SigIgn", "0"), 16) >> (signal.SIGTERM - 1) & 1
        return bool(ignored) or "Z" in fields["State"]

    return caught
