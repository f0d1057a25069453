"""Commands that print a secret: a cloud's token, or an address of a vault.

What a command prints is shown nowhere, its errors included: they may hold the secret too.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from lockgate.executors.programs.program import end_program, find_outside
from lockgate.planner.errors import Unreachable
from lockgate.planner.quantities import format_duration


def print_secret(command: Sequence[str], project: Path, seconds: float) -> str:
    """The line that a command prints. No shell reads it, it reads no terminal, and it runs outside
    of the project, whose files a commit can change.

    Raises:
        UsageError: its program is not there, or a file of the project.
        Unreachable: it fails, prints no single line, or takes longer than `seconds`.
    """
    program = find_outside(command[0], project)
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
        end_program(process)
    raise Unreachable(
        f"The command {command[0]} {problem}.",
        why="It is to print the database's password or address, in one line.",
        do="Run it by hand to see what it says. It has as long as `timeouts.connect` gives it.",
    )


def _read(code: int, printed: bytes) -> tuple[str, str]:
    """What is wrong with what a command has printed, else its line."""
    text = printed.decode("utf-8", "replace").rstrip("\r\n")
    if code:
        return f"failed with {code}", ""
    if not text or "\n" in text:
        return "printed " + ("several lines" if text else "nothing"), ""
    return "", text
