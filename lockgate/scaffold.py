"""New migration files, and the first files of a project."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.database.address import parse_url
from lockgate.planner.environments.folder import FOLDER, environment_names
from lockgate.planner.environments.keys import Database, EnvironmentFile
from lockgate.planner.errors import MigrationFileError, UsageError
from lockgate.planner.migrations.directory import FIRST_DATE, recognise_format
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.code_files import CodeFiles, find_code
from lockgate.planner.migrations.format import PLAIN
from lockgate.planner.migrations.formats.lockgate import FILENAME
from lockgate.planner.migrations.migration import OWN
from lockgate.planner.project import refuse_outward_link

if TYPE_CHECKING:
    from lockgate.planner.migrations.convert import ConvertedFile
    from lockgate.planner.rewriting.files import NewFile

EMPTY = "-- migrate:up\n\n\n-- migrate:down\n\n"
FIRST = "001"
ENVIRONMENT = """\
# The default environment: `migrate up` is `migrate up -e dev`. Each file beside this one is an
# environment of its own, such as production.yaml. All keys: docs/reference/environment.md.
#
# `embedded` is a private PostgreSQL that starts and stops with each command (pip install
# 'lockgate[embedded]'). For a server, name the variable with its URL: `database: $DATABASE_URL`.
database: {database}
{migrations}
# Lets `migrate reset` and `migrate redo` empty this database.
{mark}disposable: true
"""
PLACES = (
    *("migrations", "db/migrations", "database/migrations", "prisma/migrations", "drizzle"),
    *("supabase/migrations", "src/main/resources/db/migration", "src/main/resources/db/changelog"),
)
"""Where the first steps of other tools put migrations."""
SIGNS = ("*.sql", "sqitch.plan", "*/migration.sql", "committed/*.sql")
"""What the folder of some tool's migrations holds, in any other place."""
CODE_FOLDERS = frozenset({"migrations", "migration", "migrate", "versions"})
"""How tools whose migrations are code call their folder."""
OF_TREES = frozenset({"flyway", "liquibase", "refinery"})
"""Formats of tools that look for migrations in folders within folders."""
OTHERS = frozenset({"node_modules", "vendor", "target", "build", "dist", "venv", "test", "tests"})
DEEPEST = 6
IGNORED = (".lockgate/", ".env", "plan.json")
"""The embedded servers' data, secrets, and the plan of the moment."""


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
    _write(path, EMPTY, mode="x")
    return path


def _write(path: Path, text: str, mode: str = "w") -> None:
    refuse_outward_link(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error


def make_project(project: Path, database: str) -> tuple[Path, ...]:
    """Writes what a new project needs and does not have; the paths of that, from the project.

    Raises:
        UsageError: `database` is nothing that an environment's file may say, or a file cannot be
            written.
    """
    found = find_migrations(project)
    made = [
        *_make_environment(project / FOLDER, database, found[0] if len(found) == 1 else None),
        *(() if found else _make_folder(project / "migrations")),
        *_ignore(project / ".gitignore"),
    ]
    return tuple(path.relative_to(project) for path in made)


def find_migrations(project: Path) -> tuple[tuple[str, str], ...]:
    """The folder of the migrations that a project has, and their format; several where it is not
    clear which. One where the first steps of a tool put it is."""
    for place in PLACES:
        if next((project / place).rglob("*.sql"), None):
            with suppress(MigrationFileError):
                return ((place, recognise_format(project / place)),)
    return tuple(_search(project))


def find_code_folders(project: Path) -> dict[str, CodeFiles]:
    """The folders of a project with migrations that are code of a tool that is known; the outermost
    of such folders."""
    found: dict[Path, CodeFiles] = {}
    for path in _folders(project):
        if path.name in CODE_FOLDERS and found.keys().isdisjoint(path.parents):
            code = find_code(Folder(path))
            if code and code.tool:
                found[path] = code
    return {path.relative_to(project).as_posix(): code for path, code in found.items()}


def _folders(project: Path) -> Iterator[Path]:
    """Those in which migrations may be, an outer one before those in it."""
    for name, folders, _ in os.walk(project):
        path = Path(name)
        deep = len(path.relative_to(project).parts) >= DEEPEST
        folders[:] = [] if deep else sorted(x for x in folders if x[0] != "." and x not in OTHERS)
        yield path


def _search(project: Path) -> Iterator[tuple[str, str]]:
    """The innermost folders whose files some tool's format recognises; the outermost one of a tool
    that looks into folders too."""
    found: dict[Path, str] = {}
    for path in _folders(project):
        if any(next(path.glob(sign), None) for sign in SIGNS):
            with suppress(MigrationFileError):
                found[path] = recognise_format(path)
    for path, format_name in found.items():
        is_tree = format_name in OF_TREES
        outer = (is_tree and found.get(other) == format_name for other in path.parents)
        inner = (
            path in other.parents and found[other] != PLAIN
            and not (is_tree and found[other] == format_name)
            for other in found
        )  # fmt: skip
        if format_name != PLAIN and not any(outer) and not any(inner):
            yield path.relative_to(project).as_posix(), format_name


def _make_environment(folder: Path, database: str, found: tuple[str, str] | None) -> Iterator[Path]:
    if environment_names(folder):
        return
    _check(database)
    path = folder / "dev.yaml"
    _write(path, _environment(database, *(found or ("migrations", OWN))))
    yield path


def _environment(database: str, place: str, format_name: str) -> str:
    """Only the embedded database is surely one that may be emptied."""
    mark = "" if database == "embedded" else "# "
    folder = place if format_name == OWN else f"{{directory: {place}, format: {format_name}}}"
    return ENVIRONMENT.format(
        database=f'"{database}"' if "://" in database else database,
        migrations="" if folder == "migrations" else f"migrations: {folder}\n",
        mark=mark,
    )


def _check(database: str) -> None:
    do = "For example: migrate init --database '$DATABASE_URL'"
    try:
        read = EnvironmentFile.model_validate({"database": database}).database
    except ValueError:
        raise UsageError(
            "--database is embedded, $VARIABLE, or the URL of a database.", do=do
        ) from None
    if isinstance(read, Database) and read.url and parse_url(read.url.get_secret_value()).password:
        raise UsageError(
            "The URL holds a password, and the file would be committed with it.",
            why="Nothing was written.",
            do=do,
        )


def _make_folder(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        refuse_outward_link(path)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise UsageError(
                f"{path} is a file, and a folder is needed there.", do="Rename or remove the file."
            ) from None
        except OSError as error:
            raise UsageError(f"{path} cannot be made: {error.strerror}.") from error
        yield path


def _ignore(path: Path) -> Iterator[Path]:
    text = path.read_text("utf-8") if path.is_file() else ""
    missing = [line for line in IGNORED if line not in text.splitlines()]
    if missing:
        separator = "" if text.endswith("\n") or not text else "\n"
        _write(path, text + separator + "".join(f"{line}\n" for line in missing))
        yield path


def write_converted(directory: Path, files: Iterable[ConvertedFile]) -> None:
    """Writes files of another format, converted, into an empty folder.

    Raises:
        UsageError: the folder holds something, or cannot be written to.
    """
    refuse_outward_link(directory)
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(
            f"{directory} is not empty.", do="Name a new folder, so that nothing is mixed up."
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for one in files:
            with (directory / one.filename).open("x", encoding="utf-8", newline="") as file:
                file.write(one.text)
    except OSError as error:
        raise UsageError(f"{directory} cannot be written to: {error.strerror}.") from error


def _names(directory: Path) -> list[str]:
    return [path.name for path in directory.glob("*.sql")] if directory.is_dir() else []


def write_rewritten(directory: Path, files: Sequence[NewFile]) -> None:
    """Writes a migration's file over, and those beside it that it was cut into.

    Raises:
        UsageError: one cannot be written, or a new one exists.
    """
    for number, one in enumerate([*files[1:], *files[:1]]):
        _write(directory / one.name, one.text, mode="w" if number == len(files) - 1 else "x")
