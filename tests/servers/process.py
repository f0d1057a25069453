"""One private server process: its directory, its port, its start, its death.

It must not know any engine.
"""

import os
import pwd
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.servers import reaper

LONGEST_SOCKET_DIRECTORY = 70
"""A Unix socket's whole path may have 107 bytes on Linux, 103 on macOS."""

MEMORY = Path("/dev/shm")
"""Files in memory: a database is made there in a quarter of the CPU time that a disk takes."""

ROOM = 4 << 30
"""Bytes that must be free there: the data and the logs of nine servers at the end of a test run."""


class ServerUnavailable(Exception):
    """A test server is not available: the test fails, and says so. It is never skipped."""


def free_port() -> int:
    """A port of 127.0.0.1 that is free now.

    It lies below the range that the kernel gives to outgoing connections (from 32768 on Linux),
    so that a killed server finds its port still free when it starts again.
    """
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise ServerUnavailable("no free port between 20000 and 32000 on 127.0.0.1")


def unprivileged_user() -> pwd.struct_passwd | None:
    """The account for a server that refuses root: nobody; None when we are not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def wait_until(condition: Callable[[], bool], what: str, deadline: float = 60.0) -> None:
    """Returns when the condition holds.

    Raises:
        TimeoutError: it does not hold after `deadline` seconds.
    """
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"after {deadline} s still not: {what}")
        time.sleep(0.01)


class ServerProcess:
    """A server process with a private directory; both end with the test run at the latest."""

    def __init__(self, account: pwd.struct_passwd | None = None) -> None:
        self._account = account
        self.directory = _short_directory()
        if account:
            os.chown(self.directory, account.pw_uid, account.pw_gid)
        self.log = self.directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__, str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        assert self._process, "the server has not been started"
        return self._process.pid

    def run(self, argv: Sequence[str], stdin: bytes = b"") -> None:
        """Runs a preparing command to its end, as the server's account.

        Raises:
            ServerUnavailable: the command failed; the message ends with its output.
        """
        done = subprocess.run(
            argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self._context()
        )
        if done.returncode:
            output = done.stdout.decode(errors="replace")
            raise ServerUnavailable(f"{argv[0]} ended with {done.returncode}:\n{output[-4000:]}")

    def start(self, argv: Sequence[str]) -> None:
        """Starts the server, its output appended to the log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._context(),
            )
        (self.directory / reaper.PID_FILE).write_text(str(self._process.pid))

    def await_ready(self, answers: Callable[[], bool], deadline: float = 60.0) -> None:
        """Returns when the server answers.

        Raises:
            ServerUnavailable: it ended, or does not answer after `deadline` seconds.
        """
        assert self._process
        end = time.monotonic() + deadline
        while not answers():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > end:
                state = f"ended with {self._process.returncode}" if ended else "does not answer"
                tail = self.log.read_text(errors="replace")[-4000:]
                raise ServerUnavailable(f"the test server {state}; its log:\n{tail}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kills the server and its children with SIGKILL; all are gone on return."""
        if self._process:
            reaper.kill_tree(self._process.pid)
            self._forget()

    def stop(self) -> None:
        """Ends the server and removes its directory; may be called again."""
        if self._process:
            reaper.end_politely(self._process.pid)
            self._forget()
        if self._reaper.stdin and not self._reaper.stdin.closed:
            self._reaper.stdin.close()
        self._reaper.wait(60)

    def _forget(self) -> None:
        assert self._process
        self._process.wait(60)
        self._process = None
        (self.directory / reaper.PID_FILE).unlink(missing_ok=True)

    def _context(self) -> dict[str, Any]:
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
        context: dict[str, Any] = {"cwd": self.directory, "env": environment}
        if self._account:
            identity = {"user": self._account.pw_uid, "group": self._account.pw_gid}
            context |= {**identity, "extra_groups": []}
        return context


def open_folder() -> Path:
    """A fresh folder that every account may enter, in memory where there is room."""
    folder = _short_directory()
    folder.chmod(0o755)
    return folder


def _short_directory() -> Path:
    if _has_room(MEMORY):
        return Path(tempfile.mkdtemp(prefix="lockgate-", dir=MEMORY))
    directory = Path(tempfile.mkdtemp(prefix="lockgate-"))
    if len(str(directory)) <= LONGEST_SOCKET_DIRECTORY:
        return directory
    directory.rmdir()
    return Path(tempfile.mkdtemp(prefix="lockgate-", dir="/tmp"))


def _has_room(folder: Path) -> bool:
    """Whether servers may lie there; Docker's is small, and no program may run from it."""
    if not os.access(folder, os.W_OK):
        return False
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize >= ROOM and not state.f_flag & os.ST_NOEXEC
