"""`migrate validate`: are the files good? Without a database."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.options import environment_option, environments_option


@click.command(short_help="Check the migration files, without a database.")
@environment_option
@environments_option
def command(name: str, folder: Path | None) -> int:
    """Check names, markers, requirements and statements of every migration file.

    Every file is read, and every mistake is told, not only the first.
    """
    from lockgate.exits import Exit
    from lockgate.views import text
    from lockgate.views.terminal import say, tell
    from lockgate.work import load_environment, load_migrations
    from planner.dialect import DIALECTS
    from planner.errors import MigrationFileError
    from planner.migration import parse_sections

    environment = load_environment(name, folder)
    directory = load_migrations(environment)
    for warning in directory.warnings:
        tell(f"Warning: {warning}", "yellow")
    wrong = 0
    for migration in directory.migrations:
        try:
            parse_sections(migration, DIALECTS[environment.engine], environment.variables)
        except MigrationFileError as error:
            wrong += 1
            text.show_error(error)
    if wrong:
        return Exit.USAGE
    say(f"{len(directory.migrations)} migrations are valid for {environment.engine}.", "green")
    return Exit.OK
