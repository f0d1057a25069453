"""Commands that print a secret: a cloud's token, or an address of a vault.

What a command prints is shown nowhere, its errors included: they may hold the secret too.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lockgate.executors.programs.program import find_program
from lockgate.planner.errors import Unreachable, UsageError
from lockgate.planner.project import find_checkout
from lockgate.planner.quantities import format_duration


def print_secret(command: Sequence[str], project: Path, seconds: float) -> str:
    """The line that a command prints. No shell reads it, it reads no terminal, and it runs outside
    of the project, whose files a commit can change.

    Raises:
        UsageError: its program is not there, or a file of the project.
        Unreachable: it fails, prints no single line, or takes longer than `seconds`.
    """
    program = _find(command[0], project)
    process = subprocess.Popen(
        [program, *command[1:]], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        problem = f"took longer than {format_duration(seconds)}"
    else:
        problem, text = _read(process.returncode, printed)
        if not problem:
            return text
    finally:
        _end(process)
    raise Unreachable(
        f"The command {command[0]} {problem}.",
        why="It is to print the database's password or address, in one line.",
        do="Run it by hand to see what it says. It has as long as `timeouts.connect` gives it.",
    )


def _find(name: str, project: Path) -> str:
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


def _read(code: int, printed: bytes) -> tuple[str, str]:
    """What is wrong with what a command has printed, else its line."""
    text = printed.decode("utf-8", "replace").rstrip("\r\n")
    if code:
        return f"failed with {code}", ""
    if not text or "\n" in text:
        return "printed " + ("several lines" if text else "nothing"), ""
    return "", text


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a command with all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout:
        process.stdout.close()
