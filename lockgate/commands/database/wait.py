"""`migrate wait`: until the server answers, or a version is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import duration_option, environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Wait until the server answers, or a version is applied.")
@environment_option
@environments_option
@click.option("--for", "version", metavar="VERSION", help="Wait until this one is applied.")
@duration_option("--timeout", default="60s", help="How long to wait.")
def command(
    name: str, folder: EnvironmentsFolder | None, version: str | None, timeout: float
) -> int:
    """Wait for the database: before the first command on a new server, or before an application
    starts that needs a migration.

    Exits 11 when the server does not answer in time, and 4 when the version is not applied by then.
    Changes nothing, and needs no migration files.

    \b
    Examples:
      migrate wait && migrate up
      migrate wait --for 042 --timeout 5m
    """
    from lockgate.runs.waiting import wait_for
    from lockgate.workspace import load_environment

    wait_for(load_environment(name, folder), version, timeout)
    return 0
