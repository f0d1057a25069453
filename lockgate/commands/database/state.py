"""`migrate state pull`: what a database says, as a file for those who may not connect to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.group(short_help="Write down what a database says, to plan without it.")
def command() -> None:
    """State files: what is known of a database, for a plan that is made without it."""


@command.command("pull", short_help="Write down what the database says.")
@environment_option
@environments_option
@click.option(
    "-o",
    "--out",
    default="state.json",
    show_default=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The state file.",
)
def pull(name: str, folder: EnvironmentsFolder | None, out: Path) -> int:
    """Write the history, the names and sizes of the tables, and the server's marks to a file.

    A pull request's job can then plan without the database's credentials. Reads only. The file
    holds no rows and nothing that leads to the database.

    \b
    Examples:
      migrate state pull -e production -o state.json
      migrate plan -e production --state state.json
    """
    from lockgate import __version__
    from lockgate.planner.building.statefile import note_state, write_state
    from lockgate.planner.plan.verify import refuse_foreign
    from lockgate.plans.making import Request, observe
    from lockgate.views.terminal import tell
    from lockgate.workspace import load_environment, open_workspace, read_settled

    environment = load_environment(name, folder)
    project = environment.project
    with open_workspace(environment) as work:
        seen = observe(work, read_settled(work.engine), Request())
    refuse_foreign(seen.server, seen.ledger, project=project, environment=name)
    state = note_state(seen, project=project, environment=name, tool_version=__version__)
    write_state(state, out)
    tell(f"Written to {out}: {len(seen.ledger.entries)} applied migrations, serial {state.serial}.")
    return 0
