"""`migrate plan`: what would be run, written down for review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lockgate.options import (
    Invocation,
    delivery_options,
    detailed_option,
    environment_option,
    environments_option,
    fresh_option,
    from_database_option,
    gathered,
    json_option,
    non_atomic_option,
    receipts_option,
    reviewed_option,
    skip_options,
    wait_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.planner.plan.plan import Plan
    from lockgate.plans.making import Request


@click.command(short_help="Write down what would be run, for review.")
@environment_option
@environments_option
@wait_option
@gathered(
    "wanted",
    click.option("--to", metavar="VERSION", help="Plan up to and with this version."),
    click.option(
        "--baseline",
        metavar="VERSION",
        help="Plan to record what is pending up to this version, and run none of it.",
    ),
    click.option(
        "--record", multiple=True, metavar="VERSION",
        help="Plan to record this version alone, and run none of it; may be repeated.",
    ),
    click.option(
        "--forget", multiple=True, metavar="VERSION",
        help="Plan to take this version out of the history, and run nothing; may be repeated.",
    ),
    click.option(
        "--down", "steps", type=click.IntRange(1), metavar="N",
        help="Plan the rollback of the last N.",
    ),
    click.option(
        "--down-to",
        metavar="VERSION",
        help="Plan the rollback of all above this version; 0 for everything.",
    ),
    *skip_options,
    from_database_option,
    fresh_option,
    non_atomic_option,
    click.option(
        "--rehearse",
        is_flag=True,
        help="Run it on a scratch database, there and back, and put what was seen into the plan.",
    ),
    click.option(
        "--state",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Ask this state file, and not the database; the plan is for review alone.",
    ),
)  # fmt: skip
@receipts_option
@reviewed_option
@delivery_options()
@detailed_option
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    name: str,
    folder: EnvironmentsFolder | None,
    delivery: dict[str, Any],
    wanted: dict[str, Any],
    receipts: tuple[Path, ...],
    reviewed: str | None,
    detailed_exitcode: bool,
    as_json: bool,
) -> int:
    """Compare the migrations with the database and write a plan file.

    Reads only: the right to SELECT is enough, and nothing is created. The plan is applied
    with `migrate apply FILE`, by the environment that it was made for. A plan that the
    environment's policy denies is written too, for its reviewers: exit 3.

    \b
    Examples:
      migrate plan -e staging
      migrate plan --to 42 -o release.json
      migrate plan --down 2 -o back.json
      migrate plan --record 20240215
      migrate plan --down 1 --from-database
      migrate plan --rehearse
      migrate plan -e production --state state.json
      migrate plan -e production --receipt staging.json
      migrate plan -e production --sign-with ci_key
    """
    from lockgate.exits import Exit
    from lockgate.planner.environments.judgement import refuse_denied
    from lockgate.plans.delivery import Delivery
    from lockgate.plans.making import Request
    from lockgate.plans.origin import with_origin
    from lockgate.trust.admission import read_intent, refuse_unreviewed
    from lockgate.workspace import load_environment

    deliver = Delivery(**delivery)
    deliver.refuse_impossible()
    request = Request(**wanted)
    environment = load_environment(name, folder)
    if environment.fleet is not None:
        from lockgate.fleet.making import make_fleet_plan

        request = with_origin(request, environment, receipts)
        invocation.document = False
        made = make_fleet_plan(environment, request, deliver, reviewed=reviewed, as_json=as_json)
        return Exit.CHANGES if detailed_exitcode and made.is_applicable else Exit.OK
    intent = read_intent(reviewed)
    plan = _make_plan(environment, with_origin(request, environment, receipts))
    deliver.hand_out(plan, as_json=as_json)
    invocation.document = False
    refuse_denied(plan.decisions)
    refuse_unreviewed(plan, intent)
    return Exit.CHANGES if detailed_exitcode and plan.steps else Exit.OK


def _make_plan(environment: Environment, request: Request) -> Plan:
    """The plan, from the state file or the database, and rehearsed where that is asked for."""
    from lockgate.plans.making import make_plan, read_observation
    from lockgate.plans.rehearsal import plan_rehearsed
    from lockgate.views.database.lock import takes_locks, tell_endings, tell_open_transactions
    from lockgate.views.database.transport import tell_clear_text
    from lockgate.workspace import open_workspace

    if request.state is not None:
        seen = read_observation(request.state, environment)
        return make_plan(environment, seen, request)
    with open_workspace(environment) as work:
        tell_clear_text(work)
        plan = plan_rehearsed(work, request)
        if takes_locks(plan):
            tell_open_transactions(work.engine.survey.find_open_transactions())
            tell_endings(environment.blockers)
        return plan
