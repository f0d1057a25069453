"""Receipts of runs: made when a run has ended well, kept in its row, and given again from there.

Writes no file and signs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.engine import Engine
from lockgate.executors.failure import ServerError
from lockgate.planner.database.ledger import Identity
from lockgate.planner.document import render_document
from lockgate.planner.errors import Interrupted, Unreachable
from lockgate.planner.plan.drift import made_by_migrations
from lockgate.planner.plan.plan import Plan

if TYPE_CHECKING:
    from lockgate.planner.plan.receipt import FinishedRun, Receipt

Keep = Callable[[Plan, Engine, Identity], None]
"""What is done, still inside the lock, when all of a plan was applied; it raises nothing."""


def keep_nothing(plan: Plan, engine: Engine, identity: Identity) -> None:
    """Nothing: reading the schema takes longer than most plans, and `find_receipt` can make a
    receipt of any run later."""


def keep_receipt(plan: Plan, engine: Engine, identity: Identity) -> None:
    """Writes the receipt of the run that has just applied this plan into the run's row.

    The plan is kept by then, so what hinders this is no error: `find_receipt` makes the receipt
    again, as after a crash in between.
    """
    with suppress(Unreachable, ServerError, Interrupted):
        run = engine.store.runs.read_finished(plan)
        if run is None:
            return
        from lockgate.planner.plan.receipt import make_receipt

        fingerprint = made_by_migrations(engine.survey.read_catalogue()).digest
        costs = engine.store.runs.read_costs(run.id)
        receipt = make_receipt(plan, run, uuid=identity.uuid, fingerprint=fingerprint, costs=costs)
        engine.store.keep_receipt(run.id, render_document(receipt))


def find_receipt(plan: Plan, engine: Engine) -> Receipt | None:
    """The receipt of the run that has applied this plan, or one of the same intent: as the run
    keeps it, or made from what the run's row tells. None when no run here has fully applied it.

    Raises:
        InvalidPlan: what the run keeps was altered.
    """
    run = engine.store.runs.read_finished(plan)
    if run is None:
        return None
    if run.receipt:
        from lockgate.planner.plan.receipt import parse_receipt

        return parse_receipt(run.receipt.encode(), f"The receipt of run {run.id}")
    applied = plan if plan.digest == run.plan_digest else engine.store.runs.read_plan(run.id)
    return _make_anew(applied, run, engine)


def _make_anew(plan: Plan, run: FinishedRun, engine: Engine) -> Receipt:
    """Without a fingerprint, since others may have changed the schema after the run."""
    from lockgate.planner.plan.receipt import make_receipt

    identity = engine.store.read_ledger().identity
    uuid, costs = identity.uuid if identity else None, engine.store.runs.read_costs(run.id)
    receipt = make_receipt(plan, run, uuid=uuid, costs=costs)
    engine.store.keep_receipt(run.id, render_document(receipt))
    return receipt
