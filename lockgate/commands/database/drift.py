"""`migrate drift`: how the live schema differs from what its migrations make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import (
    Invocation,
    environment_option,
    environments_option,
    json_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Show what the schema has that no migration made.")
@environment_option
@environments_option
@click.option(
    "--expect",
    "plan_file",
    metavar="PLAN",
    type=click.Path(path_type=Path),
    help="Compare with what the rehearsal of this plan left.",
)
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    name: str,
    folder: EnvironmentsFolder | None,
    plan_file: Path | None,
    as_json: bool,
) -> int:
    """Compare the live schema with what the applied migrations make of a scratch database.

    Changes nothing. Exits 4 when they differ. The scratch database is made where the
    environment's `rehearsal:` says.

    \b
    Examples:
      migrate drift -e production
      migrate drift --expect plan.json
    """
    from lockgate.exits import Exit
    from lockgate.planner.plan.planfile import read_plan
    from lockgate.planner.plan.verify import refuse_foreign, refuse_unresolved
    from lockgate.planner.quantities import short_digest
    from lockgate.plans.rehearsal import read_drift, read_unexpected
    from lockgate.views.database import drift
    from lockgate.views.terminal import tell
    from lockgate.workspace import load_environment, open_workspace, read_settled

    plan = read_plan(plan_file) if plan_file else None
    environment = load_environment(name, folder)
    with open_workspace(environment) as work:
        ledger = read_settled(work.engine)
        refuse_foreign(
            work.engine.server, ledger, project=environment.project, environment=environment.name
        )
        refuse_unresolved(ledger)
        found, note = (read_unexpected(work, plan), "") if plan else read_drift(work, ledger)
    expected = f"plan {short_digest(plan.digest)} leaves" if plan else "its migrations make"
    if as_json:
        drift.show_json(found, expected, environment.name, note)
    else:
        drift.show_text(found, expected)
        if note:
            tell(note, "yellow")
    invocation.document = False
    return Exit.STALE if found else Exit.OK
