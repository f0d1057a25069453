"""Receipts of runs: made when a run has ended well, kept in its row, and given again from there.

Writes no file and signs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.engine import Engine, Run
from lockgate.executors.failure import ServerError
from lockgate.planner.database.ledger import Identity
from lockgate.planner.document import render_document
from lockgate.planner.errors import Interrupted, Unreachable
from lockgate.planner.plan.drift import made_by_migrations
from lockgate.planner.plan.plan import Plan

if TYPE_CHECKING:
    from lockgate.planner.plan.receipt import FinishedRun, Receipt

Keep = Callable[[Run, Engine, Identity], None]
"""What is done, inside the lock, when a run has applied all of its plan: it raises nothing."""


def keep_nothing(run: Run, engine: Engine, identity: Identity) -> None:
    """Nothing."""


def keep_schema(run: Run, engine: Engine, identity: Identity) -> None:
    """Leaves in the run's row what the database holds after it, for `migrate drift`; what hinders
    this is no error: drift can be found by a replay too."""
    with suppress(Unreachable, ServerError, Interrupted):
        by = read_by(run.tool_version, engine)
        engine.store.keep_digests(run.id, by, engine.survey)


def read_by(tool_version: str, engine: Engine) -> str:
    """What reads a schema: another version of lockgate or of the server may read it otherwise."""
    return f"lockgate {tool_version} on {engine.server.version}"


def keep_receipt(run: Run, engine: Engine, identity: Identity) -> None:
    """Writes the receipt of the run that has just applied this plan into the run's row.

    The plan is kept by then, so what hinders this is no error: `find_receipt` makes the receipt
    again, as after a crash in between.
    """
    with suppress(Unreachable, ServerError, Interrupted):
        finished = engine.store.runs.read_finished(run.plan)
        if finished is None:
            return
        from lockgate.planner.plan.receipt import make_receipt

        fingerprint = made_by_migrations(engine.survey.read_catalogue()).digest
        costs = engine.store.runs.read_costs(finished.id)
        receipt = make_receipt(
            run.plan, finished, uuid=identity.uuid, fingerprint=fingerprint, costs=costs
        )
        engine.store.keep_receipt(finished.id, render_document(receipt))
    keep_schema(run, engine, identity)


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
