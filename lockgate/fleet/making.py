"""`migrate plan` and `migrate promote` for a fleet: the plan is made, written and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.fleet.members import open_fleet
from lockgate.fleet.planning import plan_fleet
from lockgate.fleet.running import read_reviewed
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import Denied

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.fleet.fleet_plan import FleetPlan
    from lockgate.plans.delivery import Delivery
    from lockgate.plans.making import Request


def make_fleet_plan(
    environment: Environment,
    request: Request,
    deliver: Delivery,
    *,
    reviewed: str | None = None,
    as_json: bool = False,
) -> FleetPlan:
    """A fleet's plan in its file, and shown.

    Raises:
        Denied: a policy denies a group's plan, or it is not what was reviewed; it is written.
    """
    intent = read_reviewed(reviewed)
    with open_fleet(environment) as fleet:
        plan = plan_fleet(fleet, request)
    deliver.hand_out(plan, as_json=as_json)
    for group in plan.groups:
        refuse_denied(group.plan.decisions)
    if intent is not None and intent != plan.intent_digest:
        raise Denied("The plan does not do what was reviewed: its groups have other intents.")
    return plan
