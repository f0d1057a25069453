"""The migrations directory: reads every migration file, in the order in which they run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.migration import Migration, read_migration
from lockgate.planner.migrations.order import order
from lockgate.planner.project import INSTEAD, OUTWARD, WHY_NOT, leads_out
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.versions import VersionKey, as_number, plain_version

FIRST_DATE = 1000_01_01  # from here on versions are dates: gaps between them mean nothing


@dataclass(frozen=True, slots=True)
class Directory:
    """What a migrations directory holds.

    `migrations` are in the order in which they run; `digest` is a SHA-256 over all their
    names and checksums; `warnings` are sentences for a person.
    """

    migrations: tuple[Migration, ...]
    digest: str
    warnings: tuple[str, ...]

    def warnings_on(self, pending: Iterable[Migration]) -> tuple[str, ...]:
        """Its warnings, and one for each hole in sequential numbers before a pending migration:
        often a file that was not committed."""
        awaited = {as_number(migration.version) for migration in pending}
        every = (as_number(one.version) for one in self.migrations)
        numbers = sorted(one for one in every if one is not None and one < FIRST_DATE)
        holes = (
            f"No migration between {low} and {high}: is a file missing?"
            for low, high in pairwise(numbers)
            if high - low > 1 and high in awaited
        )
        return (*self.warnings, *holes)


def read_migrations(path: Path, dialect: Dialect) -> Directory:
    """Every `*.sql` file of a directory; other files and hidden ones are passed over, and with a
    warning those whose name begins with no digit, such as `schema.sql`.

    Raises:
        MigrationFileError: a name, a header or a requirement is wrong, a file cannot be
            read, or two files have the same version.
    """
    if not path.is_dir():
        raise MigrationFileError(
            "the migrations directory does not exist",
            path=path,
            do="Make it with `migrate new NAME`, or correct `migrations:` in the environment.",
        )
    if leads_out(path):
        raise MigrationFileError(OUTWARD, path=path, why=WHY_NOT, do=INSTEAD)
    files = _sql_files(path)
    taken = _versioned(files)
    migrations = [read_migration(file.name, _bytes_in(file), dialect) for file in taken]
    _refuse_duplicates(migrations)
    return Directory(order(migrations), _digest(migrations), tuple(_unversioned(files, taken)))


def migration_files(path: Path) -> list[Path]:
    """The files of migrations, by name; `001_a.SQL` too, and broken links, to be refused by name.

    Where no name begins with a version, all are taken: then the layout is another tool's.
    """
    return _versioned(_sql_files(path))


def _versioned(files: list[Path]) -> list[Path]:
    return [file for file in files if file.name[0].isdigit()] or files


def _unversioned(files: Iterable[Path], taken: Iterable[Path]) -> Iterator[str]:
    for file in sorted({*files}.difference(taken)):
        yield f"{file.name} is no migration, since its name begins with no version."


def _sql_files(path: Path) -> list[Path]:
    """By name."""
    with os.scandir(path) as found:
        names = sorted(
            entry.name
            for entry in found
            if entry.name.lower().endswith(".sql")
            and not entry.name.startswith(".")
            and (entry.is_file() or entry.is_symlink())
        )
    return [path / name for name in names]


def read_file(file: Path) -> bytes:
    """The bytes of a migration's file.

    Raises:
        MigrationFileError: it cannot be read, or is a link that leads out of the project.
    """
    if leads_out(file):
        raise MigrationFileError(OUTWARD, path=Path(file.name), why=WHY_NOT, do=INSTEAD)
    return _read_bytes(file)


def _bytes_in(file: Path) -> bytes:
    """`read_file` for a folder that is known not to lead out: then only a link in it may."""
    return read_file(file) if file.is_symlink() else _read_bytes(file)


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise MigrationFileError(
            f"the file cannot be read: {error.strerror}",
            path=Path(file.name),
            do="Make it readable, or move it out of the migrations directory.",
        ) from error


def _refuse_duplicates(migrations: Iterable[Migration]) -> None:
    seen: dict[VersionKey, Migration] = {}
    for migration in migrations:
        other = seen.setdefault(migration.key, migration)
        if other is not migration:
            raise MigrationFileError(
                f"{other.filename} and {migration.filename} both have version "
                f"{plain_version(migration.version)}",
                do="Give one of them the next free version.",
            )


def _digest(migrations: Iterable[Migration]) -> str:
    lines = sorted(f"{migration.checksum}  {migration.filename}\n" for migration in migrations)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
