"""`migrate redo`: rolls back the last migrations and applies them again, as their files are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option, verbose_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Roll back the last migration and apply it again.")
@environment_option
@environments_option
@click.option("--steps", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="The last N.")  # fmt: skip
@verbose_option
def command(name: str, folder: EnvironmentsFolder | None, steps: int, verbose: bool) -> int:
    """Roll back the last migration, or more, and apply it again as its file is now: for a migration
    that is still being written.

    It is rolled back by the SQL that the database keeps, so its file may have changed since. Only
    where the environment's file says `disposable: true`.
    """
    from lockgate.plans.making import Request
    from lockgate.runs.disposable import refuse_kept
    from lockgate.runs.up_and_down import plan_and_apply
    from lockgate.workspace import load_environment

    refuse_kept(load_environment(name, folder), "redo")
    down = Request(steps=steps, from_database=True)
    report = plan_and_apply(name, folder, down, dry_run=False, verbose=verbose, as_json=False)
    last = report.plan.steps[0].version if report and report.plan.steps else None
    up = Request(to=last)
    plan_and_apply(name, folder, up, dry_run=False, verbose=verbose, as_json=False)
    return 0
