"""New migration files."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from lockgate.planner.errors import UsageError
from lockgate.planner.migrations.directory import FIRST_DATE
from lockgate.planner.migrations.migration import FILENAME
from lockgate.planner.project import refuse_outward_link

EMPTY = "-- migrate:up\n\n\n-- migrate:down\n\n"
FIRST = "001"


def next_filename(directory: Path, title: str, now: datetime, timestamp: bool) -> str:
    """The name of the next migration: numbered like the last one, or by the time (UTC).

    Raises:
        UsageError: the title leaves no name.
    """
    name = re.sub(r"\W+", "_", title).strip("_").lower()
    if not name:
        raise UsageError(f"{title!r} leaves no name.", do="Use letters or digits.")
    versions = [match["version"] for match in map(FILENAME.fullmatch, _names(directory)) if match]
    last = max(versions, key=int, default="")
    if timestamp or int(last or 0) >= FIRST_DATE:
        stamp = int(f"{now:%Y%m%d%H%M%S}")
        version = str(max(stamp, int(last) + 1) if len(last) == 14 else stamp)
    else:
        version = str(int(last) + 1).zfill(len(last)) if last else FIRST
    return f"{version}_{name}.sql"


def write_migration(directory: Path, filename: str) -> Path:
    """Writes an empty migration; its path.

    Raises:
        UsageError: it cannot be written, or exists.
    """
    path = directory / filename
    refuse_outward_link(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(EMPTY)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def _names(directory: Path) -> list[str]:
    return [path.name for path in directory.glob("*.sql")] if directory.is_dir() else []
