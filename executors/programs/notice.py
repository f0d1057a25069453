"""The program that an environment informs of the end of a run: a value on its stdin.

What it prints is shown nowhere, and how it ends decides nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from lockgate.executors.programs.program import end_program, find_outside
from lockgate.planner.errors import LockgateError


def hand_to(command: Sequence[str], project: Path, text: str, seconds: float) -> str:
    """What hindered the program from reading the text, or made it fail; empty: nothing did. It runs
    as `secret_command` runs its own."""
    try:
        process = subprocess.Popen(
            [find_outside(command[0], project), *command[1:]], cwd="/", stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except LockgateError as error:
        return error.what
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    try:
        process.communicate(text.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"{command[0]} took longer than {seconds:.0f} s"
    finally:
        end_program(process)
    return f"{command[0]} failed with {process.returncode}" if process.returncode else ""
