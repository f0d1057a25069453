"""`migrate new`: an empty migration with the next version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Make an empty migration file.")
@click.argument("title", metavar="NAME")
@environment_option
@environments_option
@click.option(
    "--timestamp",
    is_flag=True,
    help="Version it by the time, UTC, so that branches do not collide.",
)
def command(title: str, name: str, folder: EnvironmentsFolder | None, timestamp: bool) -> int:
    """Make the next migration file, with both markers, and print its path.

    The version goes on as the directory has it: numbered, or by the time.

    \b
    Examples:
      migrate new create_users
      migrate new 'add e-mail' --timestamp
    """
    from datetime import UTC, datetime

    from lockgate.scaffold import next_filename, write_migration
    from lockgate.views.terminal import say
    from lockgate.workspace import load_environment, refuse_other_format

    environment = load_environment(name, folder)
    directory = environment.migrations_directory
    refuse_other_format(environment)
    now = datetime.now(UTC)
    path = write_migration(directory, next_filename(directory, title, now, timestamp))
    say(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
    return 0
