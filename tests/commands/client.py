"""`migrate` for a shell: hands its streams, folder, variables and arguments to a nursery.

Run as a program with the nursery's socket and the arguments; it ends as the command ended. It
imports little, for it is what a shell starts in place of `migrate`.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

BASE = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
"""The environment of a nursery."""

READ_AT_START = ("PYTHON", "LC_", "LANG")


def can_fork(environ: Mapping[str, str]) -> bool:
    """Whether a fresh process with this environment would begin as a nursery has begun."""
    own = {name: value for name, value in environ.items() if name.startswith(READ_AT_START)}
    own.pop("PYTHONUNBUFFERED", None)
    return own == {name: BASE[name] for name in ("PYTHONPATH", "LANG")}


def hand_over(
    path: str,
    arguments: Sequence[str],
    folder: str,
    environ: Mapping[str, str],
    streams: Sequence[int],
    *,
    session: bool = False,
) -> socket.socket:
    """The line on which the child's id comes, and then how it ended."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(path)
    socket.send_fds(line, [b"!"], streams)
    job = {
        "arguments": arguments, "folder": folder, "environ": dict(environ), "session": session,
    }  # fmt: skip
    line.sendall(json.dumps(job).encode() + b"\n")
    return line


def main(path: str, *arguments: str) -> None:
    """Ends as the command ends, by its code or its signal."""
    if not can_fork(os.environ):
        os.execv(sys.executable, [sys.executable, "-m", "lockgate", *arguments])
    with hand_over(path, arguments, os.getcwd(), os.environ, (0, 1, 2)) as line:
        told = line.makefile()
        child = int(told.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(child, number))
        code = int(told.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
