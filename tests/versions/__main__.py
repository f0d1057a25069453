"""The smoke on other major versions of PostgreSQL: `python -m tests.versions [MAJOR …]`.

Two at once, each a pytest of its own; without arguments it is every major before the wheel's.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers.versions import VERSIONS, programs

ROOT = Path(__file__).parents[2]
SELECTION = (
    "tests/versions",
    "tests/executors/postgresql/test_transaction.py",
    "tests/executors/postgresql/test_concurrent_index.py",
)
AT_ONCE = 2


def run(major: int) -> "subprocess.CompletedProcess[str]":
    """The tests on one version."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *SELECTION],
        cwd=ROOT,
        env={**os.environ, "LOCKGATE_TEST_POSTGRES": str(major)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main(arguments: Sequence[str]) -> int:
    majors = [int(each) for each in arguments] or list(VERSIONS)
    for major in majors:
        programs(major)  # fetched one after the other
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(run, majors))
    for major, done in zip(majors, ended, strict=True):
        lines = done.stdout.splitlines()
        shown = lines[-1:] if done.returncode == 0 else lines
        sys.stdout.write(f"PostgreSQL {major}: " + "\n".join(shown) + "\n")
    return max(done.returncode for done in ended)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
