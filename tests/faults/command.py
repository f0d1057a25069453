"""Running of `migrate`, forked, in a way that it can be killed at any moment.

It must not know what a fault is.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.commands.client import BASE
from tests.commands.forked import Forked

DEADLINE = 90.0
"""Seconds after which a command that has not ended is killed, and said to hang."""

HUNG = -99

OWN = {"LOCKGATE_DEBUG": "1", "LOCKGATE_ENVIRONMENT": "test"}


@dataclass(frozen=True)
class Ending:
    """How a command ended: its exit code, minus the signal that killed it, or HUNG."""

    code: int
    text: str


class Runner:
    """Runs one command at a time, and says which process that is."""

    def __init__(self, folder: Path) -> None:
        self._output = folder / "output.txt"
        self._born = threading.Event()
        self._pid = 0

    @property
    def pid(self) -> int:
        """The running command's process id; waits for its birth."""
        self._born.wait(DEADLINE)
        return self._pid

    def run(self, folder: Path, arguments: tuple[str, ...], environ: Mapping[str, str]) -> Ending:
        """Runs a command to its end, anyone who brings that about."""
        self._born.clear()
        with self._output.open("wb") as output:
            process = Forked(
                arguments, cwd=folder, env={**BASE, **OWN, **environ},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            self._pid = process.pid
            self._born.set()
            code = _end(process)
        return Ending(code, self._output.read_text(errors="replace"))


def _end(process: Forked) -> int:
    """How a command ended, or HUNG: then it was killed."""
    try:
        return process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(DEADLINE)
        return HUNG


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
