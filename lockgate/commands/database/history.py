"""`migrate history`: who ran what, when, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option, json_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Show who ran what, when, and how it ended.")
@environment_option
@environments_option
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many runs."
)
@json_option
def command(name: str, folder: EnvironmentsFolder | None, limit: int, as_json: bool) -> int:
    """Show the runs of a database, the newest first."""
    from lockgate.views.database import history
    from lockgate.workspace import load_environment, open_workspace

    with open_workspace(load_environment(name, folder)) as work:
        runs = work.engine.store.runs.read_runs(limit)
    (history.show_json if as_json else history.show_text)(runs)
    return 0
