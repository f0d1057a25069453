"""Where a program is that lockgate runs, and its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from lockgate.planner.errors import UsageError
from lockgate.planner.project import find_checkout


def find_program(name: str) -> str | None:
    """The place of a program, or None.

    A relative folder in PATH is passed over: it would find what a commit has put there.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(filter(os.path.isabs, folders)))


def find_outside(name: str, project: Path) -> str:
    """The place of a program that an environment names.

    Raises:
        UsageError: it is not there, or a file of the project.
    """
    place = name if os.path.isabs(name) else find_program(name) if "/" not in name else None
    if place is None or not os.access(place, os.X_OK):
        raise UsageError(
            f"There is no program {name}.",
            do="Name one that is in PATH, or give its whole path. A relative one is not taken.",
        )
    checkout = find_checkout(project)
    if Path(place).resolve().is_relative_to(checkout.top if checkout else project.resolve()):
        raise UsageError(
            f"The program {name} is a file of the project, and is not run.",
            why="A commit can change it, and so decide what runs with your secrets.",
            do="Install it outside of the project.",
        )
    return place


def end_program(process: subprocess.Popen[bytes]) -> None:
    """Ends a command with all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout:
        process.stdout.close()
