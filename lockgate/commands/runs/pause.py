"""`migrate pause`: a run of batches waits, at the wish of another shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Let a run of batches wait before its next one.")
@environment_option
@environments_option
def command(name: str, folder: EnvironmentsFolder | None) -> int:
    """Let the run of this environment wait before its next batch, until `migrate resume`.

    It says so through the database, from any shell that may write lockgate's tables: the run keeps
    its lock and waits, and what is done stays. A run that is not going on now waits when the same
    command is given again.

    \b
    Examples:
      migrate pause
      migrate pause -e production
    """
    from lockgate.runs.pausing import ask_to_wait, tell_waiting
    from lockgate.workspace import load_environment, open_workspace, read_actor

    with open_workspace(load_environment(name, folder)) as work:
        tell_waiting(ask_to_wait(work, read_actor()))
    return 0
