"""The migrations directory: reads every migration file, in the order in which they run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.code_files import untaken_folder
from lockgate.planner.migrations.foreign.contexts import UNDECIDED, Decided
from lockgate.planner.migrations.format import (
    ALIASES,
    AUTO,
    FORMATS,
    PLAIN,
    assemble_migration,
    find_untaken_files,
    find_warnings,
    load_format,
    parse_sections,
)
from lockgate.planner.migrations.migration import OWN, Migration
from lockgate.planner.migrations.mistakes import Mistakes
from lockgate.planner.migrations.order import order
from lockgate.planner.project import INSTEAD, OUTWARD, WHY_NOT, leads_out
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, as_number, plain_version

FIRST_DATE = 1000_01_01  # from here on versions are dates: gaps between them mean nothing


@frozen
class Directory:
    """What a migrations directory holds.

    `migrations` are in the order in which they run; `digest` is a SHA-256 over all their
    names and checksums; `warnings` are sentences for a person; `format` is the one it was read in.
    """

    migrations: tuple[Migration, ...]
    digest: str
    warnings: tuple[str, ...]
    format: str = OWN

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


def read_migrations(
    path: Path, dialect: Dialect, format_name: str = OWN, decided: Decided = UNDECIDED
) -> Directory:
    """The migrations of a directory in one format; `auto` is the one that recognises it.

    Raises:
        MigrationFileError: there is no directory, a file cannot be read or is not taken, a name, a
            header or a requirement is wrong, two have one version, or no format recognises it.
            MigrationFileErrors has all of these at once.
    """
    mistakes = Mistakes()
    folder = _open(path, decided)
    name = _chosen(folder, format_name)
    migrations = _assembled(folder, name, dialect, mistakes)
    mistakes.note(_duplicates(migrations))
    running: tuple[Migration, ...] = ()
    with mistakes.noting():
        running = order(migrations)
    mistakes.refuse()
    return Directory(running, _digest(migrations), tuple(find_warnings(name, folder)), name)


def find_mistakes(
    path: Path,
    dialect: Dialect,
    variables: Mapping[str, str],
    format_name: str = OWN,
    decided: Decided = UNDECIDED,
) -> tuple[MigrationFileError, ...]:
    """All that is wrong with the migrations of a directory, their statements too."""
    mistakes = Mistakes()
    with mistakes.noting():
        folder = _open(path, decided)
        name = _chosen(folder, format_name)
        migrations = _assembled(folder, name, dialect, mistakes)
        for migration in migrations:
            with mistakes.noting():
                parse_sections(migration, dialect, variables)
        mistakes.note(_duplicates(migrations))
        with mistakes.noting():
            order(migrations)
    return tuple(mistakes.found)


def recognise_format(path: Path) -> str:
    """The name of the one format that recognises a directory; ours where it is empty.

    Raises:
        MigrationFileError: none does, or several.
    """
    return _chosen(_open(path), AUTO)


def _open(path: Path, decided: Decided = UNDECIDED) -> Folder:
    if not path.is_dir():
        raise MigrationFileError(
            "the migrations directory does not exist",
            path=path,
            do="Make it with `migrate new NAME`; or name the one that you have in the environment, "
            "for example `migrations: db/migrations` (`migrate init` makes the first such file).",
        )
    if leads_out(path):
        raise MigrationFileError(OUTWARD, path=path, why=WHY_NOT, do=INSTEAD)
    return Folder(path, decided)


def _assembled(folder: Folder, name: str, dialect: Dialect, mistakes: Mistakes) -> list[Migration]:
    """The migrations whose headers can be read, in the order of their format."""
    found: list[Migration] = []
    names: set[str] = set()
    mistakes.note(find_untaken_files(name, folder))
    collected = load_format(name).collect_files(folder, dialect)
    while True:
        with mistakes.noting():
            files = next(collected, None)
            if files is None:
                break
            own = {file.name for file in files}
            names |= own
            if not own & folder.unread.keys():
                found.append(assemble_migration(name, files, dialect))
    if not names and not mistakes.found:
        mistakes.note(untaken_folder(folder.path))
    # Other SQL in the folder need not be readable; a journal must be.
    unread = folder.unread.items()
    mistakes.note(e for file, e in unread if file in names or not file.endswith(".sql"))
    return found


def _chosen(folder: Folder, name: str) -> str:
    """The format's name, where it is to be recognised too."""
    name = ALIASES.get(name, name)
    if name == AUTO:
        return _recognised(folder)
    if name == OWN and folder.names(".sql") and not load_format(OWN).recognise(folder):
        others = [one for one in _recognising(folder) if one != PLAIN]
        if others:  # plain files may as well be ours, with their markers forgotten
            raise _laid_out_as(folder, others)
    return name


def _recognised(folder: Folder) -> str:
    found = _recognising(folder)
    if len(found) == 1 or not folder.tree:
        return found[0] if found else OWN
    for error in untaken_folder(folder.path):
        raise error
    raise MigrationFileError(
        f"the format of the migrations is not clear: {', '.join(found)} would each fit"
        if found
        else "no format that lockgate knows fits the migrations",
        path=folder.path,
        do=f"Name it in the environment: `migrations: {{directory: …, format: NAME}}`, with one of "
        f"{', '.join(FORMATS)}.",
    )


def _recognising(folder: Folder) -> list[str]:
    return [name for name in FORMATS if load_format(name).recognise(folder)]


def _laid_out_as(folder: Folder, names: Sequence[str]) -> MigrationFileError:
    tools = " or ".join(load_format(name).TOOL for name in names)
    return MigrationFileError(
        f"the migrations are laid out for {tools}, and are to be read in lockgate's format",
        path=folder.path,
        do="To read them where they are, write in the environment "
        f"`migrations: {{directory: …, format: {names[0]}}}`; then `migrate convert` can write "
        "them in lockgate's.",
    )


def _duplicates(migrations: Iterable[Migration]) -> Iterator[MigrationFileError]:
    seen: dict[VersionKey, Migration] = {}
    for migration in migrations:
        other = seen.setdefault(migration.key, migration)
        if other is not migration:
            yield MigrationFileError(
                f"{other.filename} and {migration.filename} both have version "
                f"{plain_version(migration.version)}",
                do="Give one of them the next free version.",
            )


def _digest(migrations: Iterable[Migration]) -> str:
    lines = sorted(f"{migration.checksum}  {migration.filename}\n" for migration in migrations)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
