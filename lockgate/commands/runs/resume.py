"""`migrate resume`: a run of batches that waits at somebody's wish goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Let a paused run of batches go on.")
@environment_option
@environments_option
def command(name: str, folder: EnvironmentsFolder | None) -> int:
    """Let the run of this environment go on that `migrate pause` has stopped.

    \b
    Examples:
      migrate resume
      migrate resume -e production
    """
    from lockgate.runs.pausing import let_go_on, tell_going_on
    from lockgate.workspace import load_environment, open_workspace

    with open_workspace(load_environment(name, folder)) as work:
        tell_going_on(let_go_on(work))
    return 0
