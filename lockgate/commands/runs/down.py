"""`migrate down`: plan and apply a rollback, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lockgate.options import (
    dry_run_option,
    environment_option,
    environments_option,
    events_option,
    from_database_option,
    gathered,
    max_time_option,
    non_atomic_option,
    read_deadline,
    skip_options,
    verbose_option,
    wait_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Roll back the last migrations, without a plan file.")
@environment_option
@environments_option
@wait_option
@click.option(
    "--steps", type=click.IntRange(1), metavar="N", help="Roll back the last N.  [default: 1]"
)
@click.option("--to", metavar="VERSION", help="Roll back all above this version; 0 for everything.")
@gathered("skipping", *skip_options)
@from_database_option
@non_atomic_option
@max_time_option
@dry_run_option
@verbose_option
@events_option
def command(
    name: str,
    folder: EnvironmentsFolder | None,
    steps: int | None,
    to: str | None,
    skipping: dict[str, Any],
    from_database: bool,
    allow_non_atomic: bool,
    max_time: str | None,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Roll back the last applied migration, or more, by their down sections.

    \b
    Examples:
      migrate down
      migrate down --steps 3
      migrate down --to 41 --dry-run
      migrate down --steps 2 --skip-irreversible 42 --reason "a backfill, nothing to undo"
      migrate down --from-database
    """
    from lockgate.planner.errors import UsageError
    from lockgate.plans.making import Request
    from lockgate.runs.up_and_down import plan_and_apply
    from lockgate.workspace import load_environment

    count = 1 if steps is None and to is None else steps
    request = Request(
        steps=count, down_to=to, from_database=from_database, allow_non_atomic=allow_non_atomic,
        **skipping,
    )  # fmt: skip
    environment = load_environment(name, folder)
    if environment.fleet is not None:
        from lockgate.fleet.rolling_back import roll_back_last

        if dry_run or max_time or (steps, to) != (None, None):
            raise UsageError(
                f"{name} is a fleet: `down` rolls back what its last run has applied.",
                do=f"Leave the option away, or plan it: `migrate plan -e {name} --down N`.",
            )
        roll_back_last(environment, request, verbose=verbose, as_json=as_json)
        return 0
    plan_and_apply(
        name, folder, request, dry_run=dry_run, verbose=verbose, as_json=as_json,
        deadline=read_deadline(max_time),
    )  # fmt: skip
    return 0
