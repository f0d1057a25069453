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
    from lockgate.planner.database.catalogue import ObjectDifference
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.workspace import Workspace

    Compared = tuple[str, tuple[ObjectDifference, ...], str]


@click.command(short_help="Show what others have changed in the schema.")
@environment_option
@environments_option
@click.option(
    "--expect",
    "plan_file",
    metavar="PLAN",
    type=click.Path(path_type=Path),
    help="Compare with what the rehearsal of this plan left.",
)
@click.option(
    "--replay",
    is_flag=True,
    help="Compare with what the applied migrations make of a scratch database, line by line.",
)
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    name: str,
    folder: EnvironmentsFolder | None,
    plan_file: Path | None,
    replay: bool,
    as_json: bool,
) -> int:
    """Compare the live schema with what the last run left, or with what the migrations make.

    Changes nothing. Exits 4 when they differ. The last run has noted a digest of each object:
    that shows which were changed since, in a moment. With `--replay`, and where no run has noted
    them, the applied migrations are run on a scratch database, which is made where the
    environment's `rehearsal:` says.

    The targets of a fleet are compared with each other, by their histories, and with what their
    last runs have left.

    \b
    Examples:
      migrate drift -e production
      migrate drift --replay
      migrate drift --expect plan.json
    """
    from lockgate.exits import Exit
    from lockgate.planner.errors import UsageError
    from lockgate.planner.plan.planfile import read_plan
    from lockgate.planner.plan.verify import refuse_foreign, refuse_unresolved
    from lockgate.planner.quantities import short_digest
    from lockgate.plans.rehearsal import read_unexpected
    from lockgate.views.database import drift
    from lockgate.views.terminal import tell
    from lockgate.workspace import load_environment, open_workspace, read_settled

    if replay and plan_file:
        raise UsageError("Choose one: `--replay` or `--expect`.")
    plan = read_plan(plan_file) if plan_file else None
    environment = load_environment(name, folder)
    if environment.fleet is not None:
        if replay or plan:
            raise UsageError(
                "`--replay` and `--expect` are for one database.",
                do=f"Name one: `-e {name}/TARGET`.",
            )
        return _compare_fleet(invocation, environment, as_json=as_json)
    with open_workspace(environment) as work:
        ledger = read_settled(work.engine)
        refuse_foreign(
            work.engine.server, ledger, project=environment.project, environment=environment.name
        )
        refuse_unresolved(ledger)
        if plan:
            expected, note = f"plan {short_digest(plan.digest)} leaves", ""
            found = read_unexpected(work, plan)
        else:
            expected, found, note = _compare(work, ledger, replay=replay)
    if as_json:
        drift.show_json(found, expected, environment.name, note)
    else:
        drift.show_text(found, expected)
        if note:
            tell(note, "yellow")
    invocation.document = False
    return Exit.STALE if found else Exit.OK


def _compare_fleet(invocation: Invocation, environment: Environment, *, as_json: bool) -> int:
    from lockgate.exits import Exit
    from lockgate.fleet.drifting import find_fleet_drift
    from lockgate.fleet.members import open_fleet
    from lockgate.views.fleet import drift

    with open_fleet(environment) as fleet:
        found = find_fleet_drift(fleet)
    (drift.show_json if as_json else drift.show_text)(found)
    invocation.document = False
    return Exit.STALE if found.drifted else Exit.OK


def _compare(work: Workspace, ledger: Ledger, *, replay: bool) -> Compared:
    """What the live schema is compared with, how it differs, and what is to be known of that."""
    from lockgate.plans.rehearsal import read_changed, read_drift, read_left
    from lockgate.views.terminal import tell

    left, why = (None, "") if replay else read_left(work, ledger)
    if left is None:
        if why:
            tell(f"{why}, so the migrations are replayed.")
        return "its migrations make", *read_drift(work, ledger)
    found = read_changed(work, ledger, left)
    more = "Their lines, as the migrations make them: `migrate drift --replay`."
    return f"the last run left ({left.run_id})", found, more if found else ""
