"""`migrate promote`: the plan that brings to one environment what has run in another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lockgate.options import (
    Invocation,
    delivery_options,
    detailed_option,
    environments_option,
    json_option,
    non_atomic_option,
    receipts_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Plan for one environment what has run in another.")
@click.option(
    "--from", "source", required=True, metavar="NAME", help="The environment where it has run."
)
@click.option(
    "--to", "name", required=True, metavar="NAME", help="The environment that the plan is for."
)
@environments_option
@receipts_option
@non_atomic_option
@delivery_options()
@detailed_option
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    source: str,
    name: str,
    folder: EnvironmentsFolder | None,
    delivery: dict[str, Any],
    receipts: tuple[Path, ...],
    allow_non_atomic: bool,
    detailed_exitcode: bool,
    as_json: bool,
) -> int:
    """Plan what has run in one environment, with the same checksum, and not yet in another.

    It is the plan that `migrate plan` would make of these migrations. What has run is learned
    from the receipts or, without any, from the other environment's database, which is only read.

    \b
    Examples:
      migrate promote --from staging --to production
      migrate promote --from staging --to production --receipt staging.json
    """
    from lockgate.exits import Exit
    from lockgate.planner.building.compare import compare
    from lockgate.planner.building.promotion import find_prospects
    from lockgate.planner.environments.judgement import refuse_denied
    from lockgate.planner.errors import UsageError
    from lockgate.plans.delivery import Delivery
    from lockgate.plans.making import Request, make_plan, observe, refuse_bad_syntax
    from lockgate.plans.origin import find_soak, read_origin
    from lockgate.views.plan.promotion import show_prospects
    from lockgate.workspace import load_environment, load_migrations, open_workspace, read_settled

    deliver = Delivery(**delivery)
    deliver.refuse_impossible()
    if source == name:
        raise UsageError(
            f"{name} is both where it has run and where it is to run.",
            do="`--from` names the environment before it; see `migrate status --all`.",
        )
    environment = load_environment(name, folder)
    origin = read_origin(environment, source, receipts)
    request = Request(only=origin.checksums, origin=origin, allow_non_atomic=allow_non_atomic)
    if environment.fleet is not None:
        from lockgate.fleet.making import make_fleet_plan

        invocation.document = False
        made = make_fleet_plan(environment, request, deliver, as_json=as_json)
        return Exit.CHANGES if detailed_exitcode and made.is_applicable else Exit.OK
    with open_workspace(environment) as work:
        seen = observe(work, read_settled(work.engine), request)
        plan = make_plan(environment, seen, request)
        refuse_bad_syntax(plan, work.engine)
    if not as_json and not deliver.is_stdout:
        comparison = compare(load_migrations(environment).migrations, seen.ledger)
        prospects = find_prospects(comparison, origin, plan, find_soak(environment))
        show_prospects(prospects, origin, name)
    deliver.hand_out(plan, as_json=as_json)
    invocation.document = False
    refuse_denied(plan.decisions)
    return Exit.CHANGES if detailed_exitcode and plan.steps else Exit.OK
