"""The folder of environments: one YAML file each, found from the working folder upwards.

Must not read what the files say: `planner.environments.environment` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lockgate.planner.errors import ConfigurationError, UsageError
from lockgate.planner.value import frozen

FOLDER = "environments"
ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
SUFFIXES = (".yaml", ".yml")
"""The first of them is what we write."""


@frozen
class EnvironmentsFolder:
    """A folder of environments, and the folder of the project that they belong to: the one around
    them, unless they are a copy from elsewhere."""

    path: Path
    project: Path

    @property
    def place(self) -> Path:
        """Where they are in the project: what they name by a relative path begins there."""
        return self.project / self.path.name


def find_environments(start: Path) -> Path:
    """The nearest folder `environments/` that holds a YAML file, from `start` upwards.

    Raises: UsageError when there is none.
    """
    for folder in (start, *start.parents):
        if environment_names(folder / FOLDER):
            return folder / FOLDER
    raise UsageError(
        f"there is no {FOLDER}/ folder with a YAML file in {start} or above it",
        do=f"`migrate init` makes {FOLDER}/dev.yaml, whose one line is `database: embedded` or "
        "`database: $DATABASE_URL`. Without it, set the variable DATABASE_URL. A folder elsewhere "
        "is named with --environments DIR.",
    )


def environment_files(directory: Path) -> Mapping[str, Path]:
    """The file of each environment in a folder, sorted by name; none where there is no folder.

    Raises: ConfigurationError when one environment has two.
    """
    files: dict[str, Path] = {}
    found = (path for suffix in SUFFIXES for path in directory.glob(f"*{suffix}"))
    for path in sorted(found, key=lambda path: path.stem):
        first = files.setdefault(path.stem, path)
        if first != path:
            raise ConfigurationError(
                f"there is also {first.name}, and one environment has one file",
                path=path,
                do="Delete one of them.",
            )
    return {name: path for name, path in files.items() if ENVIRONMENT_NAME.fullmatch(name)}


def environment_names(directory: Path) -> tuple[str, ...]:
    """The environments that a folder holds, sorted; none when there is no such folder."""
    return tuple(environment_files(directory))
