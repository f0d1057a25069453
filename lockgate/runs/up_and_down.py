"""`up` and `down`: plan and apply in one process, by the same code as `plan` and `apply`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lockgate.executors.apply import Report, apply_locked, recover_same
from lockgate.executors.events import Emit
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.environments.environment import Environment
from lockgate.planner.errors import Denied, LockgateError
from lockgate.planner.plan.verify import refuse_unresolved
from lockgate.plans.making import Request, draft_plan, observe, plan_live
from lockgate.plans.origin import with_origin
from lockgate.runs.dry_run import refuse_both, show_dry_run
from lockgate.trust.admission import admit
from lockgate.views.plan import text
from lockgate.views.run.following import following
from lockgate.views.run.report import show_report
from lockgate.workspace import Workspace, author, load_environment, open_workspace, read_settled

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
) -> Report | None:
    """Plans inside the lock, so that of several at once each finds the work of those before.

    Raises:
        Denied: the environment wants a reviewed plan.
    """
    refuse_both(dry_run=dry_run, as_json=as_json)
    environment = load_environment(name, folder)
    request = with_origin(request, environment)
    with open_workspace(environment) as work:
        if dry_run:
            plan = plan_live(work, read_settled(work.engine), request)
            show_dry_run(plan, work.engine, admit(environment))
            return None
        _refuse_unplanned(environment)
        request = replace(request, unseen=True)
        engine = work.engine
        with (
            following(verbose=verbose, as_json=as_json) as emit,
            engine.lock.hold(environment.lock.wait, emit),
        ):
            ledger = engine.store.read_ledger()
            if ledger.unresolved:
                ledger = _recovered(work, ledger, request, emit)
            plan = plan_live(work, ledger, request)
            if not as_json:
                text.tell_warnings(plan)
            report = apply_locked(plan, engine, ledger, author(), emit, admit(environment))
        if environment.schema_file:
            from lockgate.runs.schema_file import update_schema_file

            update_schema_file(environment, environment.schema_file)
    show_report(report, as_json=as_json)
    return report


def _recovered(work: Workspace, ledger: Ledger, request: Request, emit: Emit) -> Ledger:
    """The ledger when an interrupted run is ended that was about to do what is asked now.

    Raises:
        Unresolved: another run stopped half-way.
    """
    try:
        seen = observe(work, ledger, request)
        draft = draft_plan(work.environment, seen, request).plan
    except LockgateError:
        refuse_unresolved(ledger)
        raise
    return recover_same(draft, work.engine, ledger, author(), emit)


def _refuse_unplanned(environment: Environment) -> None:
    if environment.policy.require_plan:
        raise Denied(
            f"The environment {environment.name} takes only reviewed plans (require_plan).",
            do=f"Run `migrate plan -e {environment.name}`, have the plan reviewed, "
            "then `migrate apply plan.json`.",
        )
