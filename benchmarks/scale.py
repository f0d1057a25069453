"""Time and memory of whole commands by the number of migrations, on the embedded PostgreSQL.

Run it with `make benchmark`. Each figure is the median of a few runs of a process; `per migration`
is what a ten times larger directory adds, so a column that stays level is linear.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from lockgate.executors.programs.embedded import start_embedded

SIZES = (10, 100, 1_000, 10_000)
RUNS = 3


class Figure(NamedTuple):
    """What one command took: seconds, and its largest resident size in MiB."""

    seconds: float
    megabytes: float


def write_project(folder: Path, size: int) -> None:
    """A project with `size` small migrations, each a table of its own."""
    (folder / "environments").mkdir()
    (folder / "environments" / "dev.yaml").write_text("database: embedded\ntransaction: step\n")
    (folder / "migrations").mkdir()
    for number in range(1, size + 1):
        (folder / "migrations" / f"{number:05}_create_t{number}.sql").write_text(
            f"-- migrate:up\ncreate table t{number} (id int primary key);\n"
            f"-- migrate:down\ndrop table t{number};\n"
        )


def measure(folder: Path, *arguments: str) -> Figure:
    """One run of the command line; its output is thrown away.

    Raises:
        SystemExit: the command failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "lockgate", *arguments], cwd=folder, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"migrate {' '.join(arguments)} ended with {process.returncode}")
    return Figure(time.perf_counter() - started, usage.ru_maxrss / 1024)


def median(folder: Path, *arguments: str) -> Figure:
    """The median of a few runs."""
    runs = [measure(folder, *arguments) for _ in range(RUNS)]
    return Figure(*(statistics.median(column) for column in zip(*runs, strict=True)))


def measure_size(size: int) -> dict[str, Figure]:
    """Each command's figure on a project of this size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_project(folder, size)
        with start_embedded(folder / ".lockgate" / "dev"):
            return {
                "status, all pending": median(folder, "status"),
                "plan, all pending": median(folder, "plan"),
                "up": measure(folder, "up"),
                "status, all applied": median(folder, "status"),
                "plan, all applied": median(folder, "plan"),
            }


def main() -> None:
    """Prints a table for each command."""
    by_size = {size: measure_size(size) for size in SIZES}
    for command in by_size[SIZES[0]]:
        print(f"\n{command}\n{'migrations':>12}{'seconds':>10}{'MiB':>8}{'ms per migration':>18}")
        before: tuple[int, float] | None = None
        for size, figures in by_size.items():
            seconds, megabytes = figures[command]
            each = (seconds - before[1]) / (size - before[0]) * 1000 if before else 0.0
            shown = f"{each:>18.3f}" if before else f"{'':>18}"
            print(f"{size:>12}{seconds:>10.2f}{megabytes:>8.0f}{shown}")
            before = size, seconds


if __name__ == "__main__":
    main()
