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
@click.argument("run_id", metavar="[RUN]", required=False)
@json_option
def command(
    name: str, folder: EnvironmentsFolder | None, limit: int, run_id: str | None, as_json: bool
) -> int:
    """Show the runs of a database or a fleet, the newest first, or one of a database in full.

    \b
    Examples:
      migrate history
      migrate history 3f2c9a51b7e0
    """
    from lockgate.views.database import history
    from lockgate.workspace import load_environment, open_workspace

    environment = load_environment(name, folder)
    if environment.fleet is not None and run_id is None:
        from lockgate.fleet.showing import show_history

        show_history(environment, limit, as_json=as_json)
        return 0
    with open_workspace(environment) as work:
        runs = work.engine.store.runs
        if run_id is None:
            (history.show_json if as_json else history.show_text)(runs.read_runs(limit))
        else:
            shown = runs.find_run(run_id)
            show = history.show_run_json if as_json else history.show_run
            plan = None if shown.rebound else runs.read_plan(shown.id)
            show(shown, plan, runs.read_costs(shown.id))
    return 0
