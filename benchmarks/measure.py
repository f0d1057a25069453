"""What a command costs its client: wall, CPU and memory of the process and of those it waits for.

A server is a process that no command waits for, so its work is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MIGRATE = (sys.executable, "-m", "lockgate")
FLOOR = "import psycopg, pydantic\nclass One(pydantic.BaseModel):\n    a: int\n"
"""What any tool costs that is written in Python, with this driver and one model of settings."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds on the clock, seconds of CPU (user and system), and the largest size in MiB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the table: what was measured, in what, and the bar that it may not pass."""

    case: str
    measured: float
    unit: Literal["x", "s", "MiB"]
    bar: float
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it is at the bar or below."""
        return self.measured <= self.bar


def run(
    command: Sequence[str], folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> Usage:
    """What one run of a command costs; its output is thrown away. Python keeps what it compiles,
    as an installation does.

    Raises:
        SystemExit: the command failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    wall = time.perf_counter() - started
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def migrate(folder: Path, *arguments: str) -> Usage:
    """What one run of `migrate` costs."""
    return run([*MIGRATE, *arguments], folder)


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """How many times the second the first is: the median of pairs, each measured at one time, so
    that what else the machine does is in both."""
    return statistics.median(one / other for one, other in pairs)
