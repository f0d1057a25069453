"""`migrate doctor`: whether an environment has what the commands need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option, json_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Check what the commands need: connection, rights, clock, ledger.")
@environment_option
@environments_option
@json_option
def command(name: str, folder: EnvironmentsFolder | None, as_json: bool) -> int:
    """Check the connection, its encryption, rights, the clock, the ledger, the lock, the files and
    the programs of an environment. Changes nothing.

    Exits as the gravest problem would end a command, 0 when there are only warnings.

    \b
    Examples:
      migrate doctor
      migrate doctor -e production --json
    """
    from lockgate.runs.checkup import examine, gravest_exit
    from lockgate.views.database import checkup
    from lockgate.workspace import load_environment

    environment = load_environment(name, folder)
    checks = []
    for check in examine(environment):
        checks.append(check)
        if not as_json:
            checkup.show_check(check)
    if as_json:
        checkup.show_json(checks)
    return gravest_exit(checks)
