"""`migrate up`: plan and apply what is pending, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import (
    dry_run_option,
    environment_option,
    environments_option,
    events_option,
    fresh_option,
    max_time_option,
    non_atomic_option,
    read_deadline,
    verbose_option,
    wait_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Apply what is pending, without a plan file.")
@environment_option
@environments_option
@wait_option
@click.option("--to", metavar="VERSION", help="Apply up to and with this version.")
@fresh_option
@non_atomic_option
@max_time_option
@dry_run_option
@verbose_option
@events_option
def command(
    name: str,
    folder: EnvironmentsFolder | None,
    to: str | None,
    fresh: bool,
    allow_non_atomic: bool,
    max_time: str | None,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Apply the pending migrations: `plan` and `apply` in one, without a review between.

    \b
    Examples:
      migrate up
      migrate up --to 42
      migrate up -e staging --dry-run
    """
    from lockgate.plans.making import Request
    from lockgate.runs.up_and_down import plan_and_apply

    request = Request(to=to, allow_non_atomic=allow_non_atomic, fresh=fresh)
    plan_and_apply(
        name, folder, request, dry_run=dry_run, verbose=verbose, as_json=as_json,
        deadline=read_deadline(max_time),
    )  # fmt: skip
    return 0
