"""`migrate validate`: are the files good? Without a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.planner.errors import MigrationFileError


@click.command(short_help="Check the migration files, without a database.")
@environment_option
@environments_option
def command(name: str, folder: EnvironmentsFolder | None) -> int:
    """Check names, markers, requirements and statements of every migration file.

    Every file is read, and every broken one is told, not only the first.
    """
    from lockgate.exits import Exit
    from lockgate.views import errors
    from lockgate.views.terminal import say, tell
    from lockgate.workspace import load_environment, load_migrations

    environment = load_environment(name, folder)
    broken = list(_find_broken(environment))
    for error in broken:
        errors.show_text(error)
    if broken:
        tell(f"{len(broken)} of {len(_files(environment))} files {_are(len(broken))} broken.")
        return Exit.USAGE
    directory = load_migrations(environment)
    for warning in directory.warnings_on(directory.migrations):
        tell(f"Warning: {warning}", "yellow")
    count = len(directory.migrations)
    say(f"{count} migration{'' if count == 1 else 's'} {_are(count)} valid "
        f"for {environment.engine}.", "green")  # fmt: skip
    return Exit.OK


def _find_broken(environment: Environment) -> Iterator[MigrationFileError]:
    """What is wrong with each file by itself, sorted by name."""
    from lockgate.planner.errors import MigrationFileError
    from lockgate.planner.migrations.directory import read_file
    from lockgate.planner.migrations.migration import parse_sections, read_migration
    from lockgate.planner.sql.dialect import DIALECTS

    dialect = DIALECTS[environment.engine]
    for path in _files(environment):
        try:
            migration = read_migration(path.name, read_file(path), dialect)
            parse_sections(migration, dialect, environment.variables)
        except MigrationFileError as error:
            yield error


def _files(environment: Environment) -> list[Path]:
    from lockgate.planner.migrations.directory import migration_files

    folder = environment.migrations_directory
    return migration_files(folder) if folder.is_dir() else []


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
