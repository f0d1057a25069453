"""The migrations directory: reads every migration file, in the order in which they run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from planner.dialect import Dialect
from planner.errors import MigrationFileError
from planner.graph import order
from planner.migration import Migration, read_migration

TIMESTAMP_DIGITS = 8  # 20261122 and longer are dates: gaps between them mean nothing


@dataclass(frozen=True, slots=True)
class Directory:
    """What a migrations directory holds.

    `migrations` are in the order in which they run; `digest` is a SHA-256 over all their
    names and checksums; `warnings` are sentences for a person.
    """

    migrations: tuple[Migration, ...]
    digest: str
    warnings: tuple[str, ...]


def read_migrations(path: Path, dialect: Dialect) -> Directory:
    """Every `*.sql` file of a directory; other files and hidden ones are passed over.

    Raises:
        MigrationFileError: a name, a header or a requirement is wrong, or two files
            have the same version.
    """
    if not path.is_dir():
        raise MigrationFileError(
            "the migrations directory does not exist",
            path=path,
            do="Make it with `migrate new NAME`, or correct `migrations:` in the environment.",
        )
    files = sorted(
        file for file in path.iterdir() if file.suffix == ".sql" and not file.name.startswith(".")
    )
    migrations = [
        read_migration(file.name, file.read_bytes(), dialect) for file in files if file.is_file()
    ]
    _refuse_duplicates(migrations)
    return Directory(order(migrations), _digest(migrations), _gaps(migrations))


def _refuse_duplicates(migrations: Iterable[Migration]) -> None:
    seen: dict[int, Migration] = {}
    for migration in migrations:
        other = seen.setdefault(migration.number, migration)
        if other is not migration:
            raise MigrationFileError(
                f"{other.filename} and {migration.filename} both have version {migration.number}",
                do="Give one of them the next free version.",
            )


def _digest(migrations: Iterable[Migration]) -> str:
    lines = sorted(f"{migration.checksum}  {migration.filename}\n" for migration in migrations)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _gaps(migrations: Iterable[Migration]) -> tuple[str, ...]:
    """A warning for each hole in sequential numbers: often a file that was not committed."""
    numbers = sorted(
        migration.number for migration in migrations if len(migration.version) < TIMESTAMP_DIGITS
    )
    return tuple(
        f"No migration between {low} and {high}: is a file missing?"
        for low, high in pairwise(numbers)
        if high - low > 1
    )
