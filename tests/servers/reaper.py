"""Ends a test server and removes its directory once the test run is gone, however it went.

Run as a script with a directory as argument: waits for the end of its standard input, which the
kernel closes when pytest ends, `kill -9` included. It must import nothing but the standard
library: it runs isolated, in a session of its own.

A thread's PR_SET_PDEATHSIG would do half of this, but it fires when the *thread* that started
the server ends, removes no directory, and is Linux only.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PID_FILE = "server.pid"


def parents() -> dict[int, int]:
    """The parent of every live process on this machine, by process id; zombies are left out."""
    if not Path("/proc/self/stat").exists():
        return _parents_by_ps()
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            found[int(stat.parent.name)] = int(parent)
    return found


def _parents_by_ps() -> dict[int, int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,state="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return {int(pid): int(ppid) for pid, ppid, state in rows if not state.startswith("Z")}


def kill_tree(pid: int, deadline: float = 10.0) -> None:
    """Kills a process and its children with SIGKILL, and returns when all are gone.

    PostgreSQL's backends call setsid(), so a process group would miss them.

    Raises:
        TimeoutError: something still lives after `deadline` seconds.
    """
    family = {pid}
    for _ in range(2):
        family |= {child for child, parent in parents().items() if parent in family}
        for member in (pid, *(family - {pid})):
            _send(member, signal.SIGKILL)
    await_end(family, deadline)


def await_end(family: set[int], deadline: float) -> None:
    """Returns when none of these processes lives (a zombie counts as ended).

    Raises:
        TimeoutError: one still lives after `deadline` seconds.
    """
    end = time.monotonic() + deadline
    while alive := family & parents().keys():
        if time.monotonic() > end:
            raise TimeoutError(f"processes {sorted(alive)} did not end in {deadline} s")
        time.sleep(0.01)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def end_politely(pid: int, deadline: float = 10.0) -> None:
    """Ends a server with SIGQUIT, or with SIGKILL if it lives on after `deadline` seconds.

    SIGQUIT is PostgreSQL's immediate shutdown, which gives its shared memory back; MySQL and
    MariaDB take it as a normal shutdown.
    https://www.postgresql.org/docs/18/server-shutdown.html
    """
    _send(pid, signal.SIGQUIT)
    try:
        await_end({pid}, deadline)
    except TimeoutError:
        kill_tree(pid)


def main() -> None:
    """Waits for the end of standard input, then ends the server and removes the directory."""
    directory = Path(sys.argv[1])
    sys.stdin.read()
    try:
        end_politely(int((directory / PID_FILE).read_text()), deadline=5.0)
    except (FileNotFoundError, ValueError):
        pass
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
