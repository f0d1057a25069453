"""Plan and apply in one, without a review between: what `up` and `down` do, and prints nothing."""

from __future__ import annotations

from collections.abc import Callable

from lockgate.executors.apply import Report, apply_locked, find_batching, recover_same
from lockgate.executors.events import Emit
from lockgate.executors.receipts import keep_schema
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import LockgateError
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.verify import refuse_unresolved
from lockgate.planner.policies.require_plan import judge_unplanned
from lockgate.planner.value import replace
from lockgate.plans.making import Request, draft_plan, observe, plan_live
from lockgate.trust.admission import admit
from lockgate.workspace import Workspace, author


def apply_at_once(
    work: Workspace,
    request: Request,
    emit: Emit,
    show: Callable[[Plan], None],
    deadline: float | None = None,
) -> Report:
    """Plans inside the lock, so that of several at once each finds the work of those before; the
    plan is shown before it runs. A run of it that stopped between batches goes on; batches stop at
    the `deadline`, by the monotonic clock in seconds.

    Raises:
        Denied: the environment wants a reviewed plan.
        LockgateError: as `make_plan` and `apply`.
    """
    environment, engine = work.environment, work.engine
    refuse_denied([judge_unplanned(environment.name, environment.policy.require_plan)])
    request = replace(request, unseen=True)
    with engine.lock.hold(environment.lock.wait, emit):
        ledger, plan = engine.store.read_ledger(), None
        if ledger.unresolved:
            ledger, plan = _recovered(work, ledger, request, emit)
        plan = plan or plan_live(work, ledger, request)
        show(plan)
        return apply_locked(
            plan, engine, ledger, author(deadline), emit, admit(environment), keep_schema
        )


def _recovered(
    work: Workspace, ledger: Ledger, request: Request, emit: Emit
) -> tuple[Ledger, Plan | None]:
    """The ledger when an interrupted run is ended that was about to do what is asked now; or, of
    one that stopped between batches, the plan that goes on.

    Raises:
        Unresolved: another run stopped half-way.
    """
    try:
        seen = observe(work, ledger, request)
        draft = draft_plan(work.environment, seen, request).plan
    except LockgateError:
        refuse_unresolved(ledger)
        raise
    batching = find_batching(draft, work.engine, ledger)
    if batching:
        return ledger, batching
    return recover_same(draft, work.engine, ledger, author(), emit), None
