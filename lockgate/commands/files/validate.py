"""`migrate validate`: are the files good? Without a database."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from pathlib import Path

    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.planner.errors import MigrationFileError


@click.command(short_help="Check the migration files, without a database.")
@environment_option
@environments_option
def command(name: str, folder: EnvironmentsFolder | None) -> int:
    """Check names, markers, requirements and statements of every migration file.

    Every file is read, and every mistake is reported, not only the first. It says in which format
    the files were read, and what of that format is not taken.
    """
    from lockgate.exits import Exit
    from lockgate.views import errors
    from lockgate.views.terminal import say, tell
    from lockgate.workspace import load_environment, load_migrations

    environment = load_environment(name, folder)
    mistakes = _find_mistakes(environment)
    for error in mistakes:
        errors.show_text(error)
    if mistakes:
        tell(f"{_count(mistakes, 'mistake')} in {environment.migrations_place}.")
        return Exit.USAGE
    directory = load_migrations(environment)
    for warning in directory.warnings_on(directory.migrations):
        tell(f"Warning: {warning}", "yellow")
    if not directory.migrations:
        _tell_code(environment.folder.project)
    _describe_format(directory.format)
    count = len(directory.migrations)
    say(f"{_count(directory.migrations, 'migration')} {'is' if count == 1 else 'are'} valid "
        f"for {environment.engine}.", "green")  # fmt: skip
    return Exit.OK


def _find_mistakes(environment: Environment) -> tuple[MigrationFileError, ...]:
    from lockgate.planner.migrations.directory import find_mistakes
    from lockgate.planner.sql.dialect import DIALECTS

    return find_mistakes(
        environment.migrations_directory,
        DIALECTS[environment.engine],
        environment.variables,
        environment.migrations_format,
        environment.decided,
    )


def _tell_code(project: Path) -> None:
    """Migrations of the project that are code, and so none of those that count."""
    from lockgate.scaffold import find_code_folders
    from lockgate.views.terminal import tell

    for place, found in find_code_folders(project).items():
        tell(f"Warning: {place} has {found}, which lockgate cannot read.", "yellow")
        tell("`migrate init` says how a database is taken over that these have made.")


def _describe_format(name: str) -> None:
    """Another tool's format is named, with what of it is not taken."""
    from lockgate.planner.migrations.format import load_format
    from lockgate.planner.migrations.migration import OWN
    from lockgate.views.terminal import say

    if name != OWN:
        known = load_format(name)
        say(f"Read as {known.TOOL} ({name}): {known.LAYOUT}.")
        say(f"Not taken: {known.NOT_TAKEN}.")


def _count(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
