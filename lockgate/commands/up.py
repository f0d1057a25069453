"""`migrate up`: plan and apply what is pending, at once."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.options import (
    dry_run_option,
    environment_option,
    environments_option,
    json_option,
    verbose_option,
)


@click.command(short_help="Apply what is pending, without a plan file.")
@environment_option
@environments_option
@click.option("--to", metavar="VERSION", help="Apply up to and with this version.")
@dry_run_option
@verbose_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    name: str,
    folder: Path | None,
    to: str | None,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Apply the pending migrations: `plan` and `apply` in one, without a review between."""
    from lockgate.everyday import plan_and_apply

    context.obj.json = as_json and not dry_run
    plan_and_apply(name, folder, to=to, dry_run=dry_run, verbose=verbose, as_json=as_json)
    return 0
