"""`migrate reset`: empties a disposable database, and applies all migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option, verbose_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Empty a disposable database, and apply all migrations.")
@environment_option
@environments_option
@verbose_option
def command(name: str, folder: EnvironmentsFolder | None, verbose: bool) -> int:
    """Drop the database with everything in it, create it again, and apply all migrations.

    Only where the environment's file says `disposable: true`.
    """
    from lockgate.executors.scratch import empty_database
    from lockgate.plans.making import Request
    from lockgate.runs.disposable import refuse_kept
    from lockgate.runs.up_and_down import plan_and_apply
    from lockgate.views.terminal import tell
    from lockgate.workspace import load_environment, open_address, open_workspace, refuse_running

    environment = load_environment(name, folder)
    refuse_kept(environment, "reset")
    with open_address(environment) as address:
        with open_workspace(environment) as work:
            refuse_running(work.engine)
        empty_database(address, environment)
        tell(f"Emptied the database {address.database}.")
        plan_and_apply(name, folder, Request(), dry_run=False, verbose=verbose, as_json=False)
    return 0
