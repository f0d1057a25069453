"""`migrate resolve`: a person says how a run that stopped half-way ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Settle a run that stopped half-way.")
@environment_option
@environments_option
@click.option("--undo", "way", flag_value="undo", help="Undo all that the run has done.")
@click.option("--finish", "way", flag_value="finish", help="Run what the run has not done.")
@click.option("--mark-applied", metavar="VERSION", help="The migration is now fully applied.")
@click.option("--mark-rolled-back", metavar="VERSION", help="Nothing of the migration is left.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the interrupted plan to a file, so that it can be applied again.",
)
@click.option("--reason", metavar="TEXT", help="Why, for the audit trail; needed to settle.")
def command(
    name: str,
    folder: EnvironmentsFolder | None,
    way: str | None,
    mark_applied: str | None,
    mark_rolled_back: str | None,
    out: Path | None,
    reason: str | None,
) -> int:
    """Show what a run left half done, or settle it: undo it, finish it, or say how it ended.

    Without options it looks and changes nothing; exits 7 while something is unresolved.
    The simplest way on is often no settling at all: remove the cause, and apply the same
    plan again. On PostgreSQL, and where statements are kept one by one, it goes on where it
    stopped; where lockgate undoes by compensation, it undoes first and begins again.

    \b
    Examples:
      migrate resolve
      migrate resolve --undo --reason "the release was called off"
      migrate resolve --mark-applied 42 --reason "finished by hand, ticket 7"
    """
    from lockgate.runs.settlement import Settlement, settle, show_half_done
    from lockgate.workspace import load_environment, open_workspace

    settlement = Settlement.read(way, mark_applied, mark_rolled_back, reason)
    with open_workspace(load_environment(name, folder)) as work:
        return settle(work, settlement) if settlement else show_half_done(work, out)
