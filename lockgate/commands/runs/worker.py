"""`migrate worker`: applies what `migrate apply` of a fleet hands out, on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import (
    duration_option,
    environment_option,
    environments_option,
    verbose_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Apply targets that `migrate apply` of a fleet hands out.")
@environment_option
@environments_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 1000),
    help="How many jobs at once. [default: `parallel` of the fleet]",
)
@duration_option("--idle", default="0s", help="End after so long without a job; 0s: never.")
@duration_option(
    "--stalled-after",
    default="30s",
    help="Take over the jobs of a worker that gave no sign for so long.",
)
@verbose_option
def command(
    name: str,
    folder: EnvironmentsFolder | None,
    jobs: int | None,
    idle: float,
    stalled_after: float,
    verbose: bool,
) -> int:
    """Work for a fleet whose environment has `crew: procrastinate`, until a signal.

    The worker takes jobs from the queue in the control database; it connects only outwards. Where
    a target is, and with which password, it finds in its own environment, as `migrate apply` does.
    SIGTERM lets the targets under way end; the rest of their jobs goes to other workers.

    \b
    Examples:
      migrate worker -e production
      migrate worker -e production --jobs 16 --idle 10m
    """
    from lockgate.fleet.working import work_for
    from lockgate.planner.errors import UsageError
    from lockgate.workspace import load_environment

    environment = load_environment(name, folder)
    if environment.fleet is None:
        raise UsageError(f"{environment.name} is one database, and no fleet.")
    if stalled_after < 1:
        raise UsageError("Give --stalled-after 1s or more.")
    work_for(
        environment, jobs=jobs or environment.fleet.parallel, stalled_after=stalled_after,
        idle=idle or None, verbose=verbose,
    )  # fmt: skip
    return 0
