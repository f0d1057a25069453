"""`migrate show`, `migrate status` and `migrate history` for a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.fleet.fleet_plan import FleetPlan
    from lockgate.trust.approvals import ApprovalState


def show_fleet_plan(plan: FleetPlan, style: str, approvals: ApprovalState) -> None:
    """A fleet's plan for its reader, and as text who has approved it.

    Raises:
        UsageError: it is not shown in this way.
    """
    from lockgate.views.fleet import text
    from lockgate.views.plan import json
    from lockgate.views.plan.approvals import show_approvals
    from lockgate.views.terminal import say_document

    if style == "text":
        text.show_fleet(plan)
        show_approvals(approvals)
    elif style == "json":
        json.show_plan(plan)
    elif style == "markdown":
        from lockgate.views.fleet.markdown import render_fleet_markdown

        say_document(render_fleet_markdown(plan, approvals).rstrip("\n"))
    elif style == "html":
        from lockgate.views.fleet.plan_page import render_fleet_plan

        say_document(render_fleet_plan(plan, approvals).rstrip("\n"))
    else:
        raise UsageError(
            f"A fleet's plan is not shown as {style}.",
            do="Choose one of text, markdown, html, json.",
        )


def show_status(
    environment: Environment, style: str, *, each: bool, cached: bool, verify: bool
) -> None:
    """The states of a fleet's targets, asked of themselves; or what is noted of its last run.

    Raises:
        UsageError: it is not shown in this way.
        Locked: what is noted is to be corrected, and a run is under way.
    """
    from lockgate.fleet.members import open_fleet
    from lockgate.fleet.standing import read_fleet_stand, read_noted_stand, verify_last_run
    from lockgate.views.fleet import status
    from lockgate.views.terminal import say, tell

    if cached and verify:
        raise UsageError("Give only one of --cached and --verify.")
    with open_fleet(environment) as fleet:
        if verify:
            count = verify_last_run(fleet)
            tell(f"What was noted of {count} target{'' if count == 1 else 's'} was corrected.")
        stand = read_noted_stand(fleet) if cached else read_fleet_stand(fleet)
    if style == "json":
        status.show_json(stand)
    elif style == "html":
        from lockgate.views.fleet.status_page import render_fleet_status

        say(render_fleet_status(stand).rstrip("\n"))
    else:
        status.show_text(stand, each=each)


def show_history(environment: Environment, limit: int, *, as_json: bool) -> None:
    """The runs of a fleet as they are noted, the newest first."""
    from lockgate.executors.fleet.coordinator import Coordinator
    from lockgate.fleet.members import open_fleet
    from lockgate.views.fleet import history

    with open_fleet(environment) as fleet, fleet.open_coordinator() as engine:
        coordinator = Coordinator(engine)
        runs = coordinator.read_runs(environment.project, environment.name)[:limit]
        found = [(run, coordinator.count_states(run.digest)) for run in runs]
    (history.show_json if as_json else history.show_text)(found)
