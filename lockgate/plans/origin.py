"""What is known of the environment that plans are promoted from: by its receipts or its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from lockgate.planner.building.promotion import Origin, origin_by_ledger, origin_by_receipts
from lockgate.planner.environments.environment import Environment
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.verify import refuse_foreign
from lockgate.plans.making import Request
from lockgate.trust.receipts import read_signed, read_unsigned
from lockgate.workspace import load_environment, open_workspace


def with_origin(
    request: Request, environment: Environment, receipts: Sequence[Path] = ()
) -> Request:
    """The request with what is known of where the environment's policy wants plans to come from;
    with a state file no other database is asked either.

    Raises:
        UsageError: receipts are given, and nothing asks for them.
        InvalidPlan: a receipt, or its signature, cannot be trusted.
    """
    terms = environment.policy.promotion
    if terms is None or request.is_exempt:
        if receipts:
            raise UsageError(
                "No receipt is asked for here.",
                why="Only what a plan applies is promoted, and only where the environment has a "
                "`policy: {promotion: …}`.",
                do="Leave `--receipt` away.",
            )
        return request
    if not receipts and (terms.receipt != "optional" or request.state is not None):
        return request
    return replace(request, origin=read_origin(environment, terms.from_, receipts))


def read_origin(environment: Environment, source: str, receipts: Sequence[Path]) -> Origin:
    """What receipts tell of the environment `source`, or, without any, what its ledger tells.

    Raises:
        InvalidPlan: a receipt, or its signature where that is asked for, cannot be trusted.
        WrongTarget: its database belongs to another environment, or is a copy.
    """
    terms = environment.policy.promotion
    if not receipts:
        return _read_live(environment, source)
    read = read_signed if terms is not None and terms.receipt == "signed" else read_unsigned
    found = [read(path, environment) for path in receipts]
    return origin_by_receipts(environment.project, source, found)


def find_soak(environment: Environment) -> timedelta:
    """How long the environment's policy wants a migration to have been elsewhere."""
    terms = environment.policy.promotion
    return timedelta(seconds=terms.min_soak if terms else 0.0)


def _read_live(environment: Environment, source: str) -> Origin:
    with open_workspace(load_environment(source, environment.folder)) as work:
        ledger = work.engine.read_ledger()
        refuse_foreign(work.engine.server, ledger, project=environment.project, environment=source)
    return origin_by_ledger(source, ledger)
