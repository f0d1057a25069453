"""`migrate shell`: the server's own command-line client on an environment's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Open psql, mysql or mariadb on the database.")
@environment_option
@environments_option
@click.option("-c", "--command", "sql", metavar="SQL", help="Run this, and do not ask for more.")
def command(name: str, folder: EnvironmentsFolder | None, sql: str | None) -> int:
    """Open the server's own client on the database of an environment, or a small one of lockgate's
    where that is not installed; an embedded server runs as long as the client does.

    The exit code is the client's.

    \b
    Examples:
      migrate shell
      migrate shell -c 'select count(*) from users'
    """
    import os
    import subprocess

    from lockgate.executors.programs.client import client_command, has_client
    from lockgate.signals import ignored_signals
    from lockgate.workspace import load_environment, open_address

    environment = load_environment(name, folder)
    with open_address(environment) as address:
        if not has_client(address):
            from lockgate.runs.conversation import converse

            return converse(address, environment.timeouts, sql)
        arguments, secrets = client_command(address, sql)
        with ignored_signals():  # Ctrl-C is for the client, which cancels a query by it
            return subprocess.run(arguments, env={**os.environ, **secrets}).returncode
