"""`migrate lock`: who holds the migration lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option, json_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Show who holds the migration lock.")
@environment_option
@environments_option
@json_option
def command(name: str, folder: EnvironmentsFolder | None, as_json: bool) -> int:
    """Show who holds the migration lock; exits 5 when somebody does.

    The lock belongs to a session of the database server and ends with it, so there is
    nothing to unlock: to break it, end that session on the server.
    """
    from lockgate.exits import Exit
    from lockgate.views.database import lock
    from lockgate.workspace import load_environment, open_workspace

    with open_workspace(load_environment(name, folder)) as work:
        holder = work.engine.lock.holder()
    (lock.show_json if as_json else lock.show_text)(holder)
    return Exit.LOCKED if holder else Exit.OK
