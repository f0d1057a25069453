"""`migrate plan` and `migrate promote` for a fleet: the plan is made, written and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.fleet.members import open_fleet
from lockgate.fleet.planning import plan_fleet
from lockgate.fleet.running import read_reviewed
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import Denied
from lockgate.planner.fleet.fleet_plan import write_fleet_plan
from lockgate.trust.approvals import own_signature, sign_plan
from lockgate.views.fleet import json, text
from lockgate.views.terminal import say, tell

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.fleet.fleet_plan import FleetPlan
    from lockgate.plans.making import Request


def make_fleet_plan(
    environment: Environment,
    request: Request,
    out: Path,
    *,
    reviewed: str | None = None,
    as_json: bool = False,
    key: Path | None = None,
) -> FleetPlan:
    """A fleet's plan in its file, and shown.

    Raises:
        Denied: a policy denies a group's plan, or it is not what was reviewed; it is written.
    """
    intent = read_reviewed(reviewed)
    with open_fleet(environment) as fleet:
        plan = plan_fleet(fleet, request)
    _hand_out(plan, out, as_json=as_json, key=key)
    for group in plan.groups:
        refuse_denied(group.plan.decisions)
    if intent is not None and intent != plan.intent_digest:
        raise Denied("The plan does not do what was reviewed: its groups have other intents.")
    return plan


def _hand_out(plan: FleetPlan, out: Path, *, as_json: bool, key: Path | None) -> None:
    to_stdout = str(out) == "-"
    if not to_stdout:
        own_signature(out).unlink(missing_ok=True)
        write_fleet_plan(plan, out)
        if key is not None:
            tell(f"Signed in {sign_plan(plan, out, key)}.")
    if as_json or to_stdout:
        json.show_plan(plan)
    else:
        text.show_plan(plan)
        if plan.is_applicable:
            say(f"\nApply it with: migrate apply {out}")
    if not to_stdout:
        tell(f"Written to {out}.")
