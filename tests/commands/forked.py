"""`migrate` as a process that is forked, not started: what it imports is there already.

One nursery serves a test run; it begins when a command first needs it.
"""

import contextlib
import select
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from tests.commands import client, nursery
from tests.commands.client import BASE, hand_over


class Nursery:
    """The process that forks, and the socket on which it can be asked to."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lockgate-", dir="/tmp")
        self.path = f"{self._folder.name}/nursery"
        self._process = subprocess.Popen(
            [sys.executable, nursery.__file__, self.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=BASE, cwd="/",
        )  # fmt: skip
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """Ends it; its children go on."""
        self._process.communicate()
        self._folder.cleanup()


_nurseries: list[Nursery] = []
_one_at_a_time = threading.Lock()


def the_nursery() -> Nursery:
    """The one of this test run, which has begun by now."""
    with _one_at_a_time:
        if not _nurseries:
            _nurseries.append(Nursery())
        return _nurseries[0]


def close_nursery() -> None:
    """Ends the nursery, if there is one."""
    while _nurseries:
        _nurseries.pop().close()


class Forked(subprocess.Popen[Any]):
    """A child of the nursery with the surface of a process that was started.

    It is no child of this process, so the nursery tells how it ended.
    """

    def _execute_child(  # type: ignore[override]
        self, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any,
        cwd: Any, env: Any, startupinfo: Any, creationflags: Any, shell: Any,
        p2cread: int, p2cwrite: int, c2pread: int, c2pwrite: int, errread: int, errwrite: int,
        restore_signals: Any, gid: Any, gids: Any, uid: Any, umask: Any,
        start_new_session: bool, process_group: Any,
    ) -> None:  # fmt: skip
        given = enumerate((p2cread, c2pwrite, errwrite))
        streams = [number if stream == -1 else stream for number, stream in given]
        try:
            path = the_nursery().path
            self._line = hand_over(path, args, str(cwd), env, streams, session=start_new_session)
        finally:
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
        self._told = self._line.makefile()
        self.pid = int(self._told.readline())
        self._child_created = True

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            ready, _, _ = select.select([self._line], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
            self._line.close()
        return self.returncode


def write_program(path: Path) -> None:
    """Makes a program that is `migrate` for a shell, as fast as one that is forked."""
    argv = f'"{sys.executable}" -I -S "{client.__file__}" "{the_nursery().path}"'
    path.write_text(f'#!/bin/sh\nexec {argv} "$@"\n')
    path.chmod(0o755)
