"""`migrate serve`: keeps an embedded server running, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Keep the embedded server running, and print its URL.")
@environment_option
@environments_option
def command(name: str, folder: EnvironmentsFolder | None) -> int:
    """Print the URL of an embedded database, and keep its server running until Ctrl-C.

    Other commands use the same server meanwhile. It listens on a socket that only this account may
    use, so the URL holds no password.
    """
    import signal
    import sys

    from lockgate.planner.errors import Interrupted, UsageError
    from lockgate.views.terminal import flush, say, tell
    from lockgate.workspace import load_environment, open_address

    environment = load_environment(name, folder)
    if environment.database != "embedded":
        raise UsageError(
            f"The database of {name} is not embedded: its server runs without us.",
            do="See `migrate status`.",
        )
    with open_address(environment) as address:
        say(address.url)
        flush(sys.stdout)
        tell("The server runs until Ctrl-C.")
        try:
            signal.pause()
        except Interrupted:
            return 0
    return 0
