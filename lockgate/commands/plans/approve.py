"""`migrate approve`: a signature of a plan, in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.trust.approvals import Signable


@click.command(short_help="Sign a plan with an SSH key.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@environments_option
@click.option(
    "-k",
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The SSH key, private, or public where the ssh-agent has its private half. "
    "[default: git's user.signingkey, or the first of the usual ones in ~/.ssh]",
)
@click.option(
    "--reviewed",
    metavar="DIGEST",
    help="The digest of the plan that was reviewed, all 64 digits; another plan is not signed.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask, on a terminal either.")
def command(
    plan_file: Path,
    folder: EnvironmentsFolder | None,
    key: Path | None,
    reviewed: str | None,
    yes: bool,
) -> int:
    """Approve a plan: sign its digest, and print the file of the signature.

    The file lies beside the plan, PLAN.SIGNER.sig, and travels with it; `migrate apply` counts
    it as the environment's policy says. Who may sign is in environments/allowed_signers.
    What the digest is of is shown before: the SQL, the findings and the policies' decisions.

    \b
    Examples:
      migrate approve plan.json
      migrate approve plan.json --reviewed DIGEST
      migrate approve plan.json --key ~/.ssh/id_release.pub --yes
    """
    from datetime import UTC, datetime

    from lockgate.planner.environments.judgement import refuse_denied
    from lockgate.planner.fleet.fleet_plan import is_fleet_plan, read_fleet_plan
    from lockgate.planner.plan.planfile import read_plan
    from lockgate.planner.plan.verify import refuse_offline
    from lockgate.trust.admission import refuse_unread
    from lockgate.trust.approvals import approve
    from lockgate.trust.signing_key import signing_key
    from lockgate.views.plan.approvals import confirm_approval, tell_approval
    from lockgate.views.terminal import is_attended, say, tell
    from lockgate.workspace import load_environment

    plan: Signable
    if is_fleet_plan(plan_file):
        plan = read_fleet_plan(plan_file)
        for group in plan.groups:
            refuse_denied(group.plan.decisions)
    else:
        plan = read_plan(plan_file)
        refuse_offline(plan)
        refuse_denied(plan.decisions)
    refuse_unread(plan, reviewed)
    environment = load_environment(plan.environment, folder)
    tell_approval(plan)
    if is_attended() and not yes:
        confirm_approval(plan)
    with signing_key(key) as chosen:
        tell(f"Signing with the key {chosen}.")
        say(str(approve(plan, plan_file, environment, chosen, datetime.now(UTC))))
    return 0
