"""`migrate show` and `migrate status` for a fleet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.errors import UsageError
from lockgate.planner.fleet.fleet_plan import read_fleet_plan
from lockgate.views.fleet import json, text

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.folder import EnvironmentsFolder

SHOWN = {"text": text.show_plan, "json": json.show_plan}


def show_fleet_plan(plan_file: Path, style: str, folder: EnvironmentsFolder | None) -> None:
    """A fleet's plan for its reader, and as text who has approved it.

    Raises:
        UsageError: it is not shown in this way.
    """
    plan = read_fleet_plan(plan_file)
    if style not in SHOWN:
        raise UsageError(
            f"A fleet's plan is not shown as {style}.", do=f"Choose one of {', '.join(SHOWN)}."
        )
    SHOWN[style](plan)
    if style == "text":
        _show_approvals(plan_file, folder)


def _show_approvals(plan_file: Path, folder: EnvironmentsFolder | None) -> None:
    from lockgate.trust.approvals import find_approvals, look_at_approvals
    from lockgate.views.plan.approvals import show_approvals
    from lockgate.workspace import load_environment

    if not find_approvals(plan_file):
        return
    plan = read_fleet_plan(plan_file)
    environment = load_environment(plan.environment, folder)
    show_approvals(look_at_approvals(plan, plan_file, environment, datetime.now(UTC)))


def show_status(environment: Environment, style: str, *, each: bool) -> None:
    """Where a fleet's targets stand, asked of themselves."""
    from lockgate.fleet.members import open_fleet
    from lockgate.fleet.standing import read_fleet_stand
    from lockgate.views.fleet import status

    with open_fleet(environment) as fleet:
        stand = read_fleet_stand(fleet)
    if style == "json":
        status.show_json(stand)
    else:
        status.show_text(stand, each=each)
