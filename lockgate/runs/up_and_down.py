"""`up` and `down`: plan and apply in one process, by the same code as `plan` and `apply`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lockgate.executors.apply import Report
from lockgate.planner.plan.plan import Plan
from lockgate.plans.making import Request, plan_live
from lockgate.plans.origin import with_origin
from lockgate.runs.at_once import apply_at_once
from lockgate.runs.dry_run import refuse_both, show_dry_run
from lockgate.runs.notifying import notifying
from lockgate.runs.telemetry import traced
from lockgate.trust.admission import admit
from lockgate.views.database.transport import tell_clear_text
from lockgate.views.plan import text
from lockgate.views.run.following import following
from lockgate.views.run.report import show_report
from lockgate.workspace import load_environment, open_workspace, read_settled

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


def plan_and_apply(
    name: str,
    folder: EnvironmentsFolder | None,
    request: Request,
    *,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
    deadline: float | None = None,
) -> Report | None:
    """`apply_at_once` as a command does it, or the SQL that it would run."""
    refuse_both(dry_run=dry_run, as_json=as_json)
    environment = load_environment(name, folder)
    request = with_origin(request, environment)
    with open_workspace(environment) as work:
        tell_clear_text(work)
        if dry_run:
            plan = plan_live(work, read_settled(work.engine), request)
            show_dry_run(plan, work.engine, admit(environment))
            return None
        with (
            following(verbose=verbose, as_json=as_json) as told,
            notifying(environment, told) as noted,
            traced(environment, noted, os.environ) as emit,
        ):
            show = _show_nothing if as_json else text.tell_warnings
            report = apply_at_once(work, request, emit, show, deadline)
        if environment.schema_file:
            from lockgate.runs.schema_file import update_schema_file

            update_schema_file(environment, environment.schema_file)
    show_report(report, as_json=as_json)
    return report


def _show_nothing(plan: Plan) -> None:
    """What a program learns of the plan are its events."""
