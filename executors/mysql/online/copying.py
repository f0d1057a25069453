"""A run of a program that copies a table: its lines are passed on as they come, and it ends when
the run does, or when the migration lock is lost.

Knows no journal. Where this process is killed, the kernel kills the program with it.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.events import CopyProgressed, Emit
from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.online.remains import await_silence
from lockgate.executors.programs.online_tools import command_line, option_file

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.planner.plan.plan import Step
    from lockgate.planner.plan.statement import Online

FAILED = "the copy failed"
TICK = 1.0  # seconds between two looks at the lock
PATIENCE = 60.0  # seconds for the program to remove what it has made
LAST = 5
"""Lines of the program's that are shown when it fails."""
WITH_PARENT = (
    1  # PR_SET_PDEATHSIG: https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
)
HIDDEN = "********"


def copy_table(engine: MySQL, online: Online, number: int, step: Step, emit: Emit) -> None:
    """Runs the program to its end.

    Raises:
        ServerError: it is not there, or it has failed.
        Locked: the migration lock was lost; the program was ended.
    """
    address, begun = engine.session.address, time.monotonic()
    secret = address.password.get_secret_value() if address.password else ""
    with tempfile.TemporaryDirectory(prefix="lockgate_online_") as folder:
        file = Path(folder) / "client.cnf"
        file.touch(mode=0o600)
        file.write_text(option_file(online, address))
        process = subprocess.Popen(
            command_line(online, address, file), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=_die_with_parent,
        )  # fmt: skip
        last = deque[str](maxlen=LAST)
        try:
            for line in _lines(process):
                if not line:
                    engine.lock.refuse_lost()
                    continue
                line = line.replace(secret, HIDDEN) if secret else line
                last.append(line)
                emit(CopyProgressed(number, step, line, time.monotonic() - begun))
            code = process.wait()
        except BaseException:
            _end(process)
            await_silence(engine.session, online)
            raise
    if code:
        await_silence(engine.session, online)
        told = " / ".join(last) or "it has said nothing"
        how = f"ended by signal {-code}" if code < 0 else f"ended with {code}"
        raise ServerError(FAILED, f"{online.tool} {how}: {told}")


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """What the program says, line by line; an empty one after each second at most."""
    assert process.stdout is not None
    rest, looked = b"", time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(TICK):
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                yield from filter(None, (one.decode("utf-8", "replace").strip() for one in lines))
            if time.monotonic() - looked >= TICK:
                looked = time.monotonic()
                yield ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks the program to end, so that it removes what it has made; kills it if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(WITH_PARENT, signal.SIGKILL)
