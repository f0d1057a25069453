"""What is known of the environment that plans are promoted from: by its receipts or its ledger.

What knows receipts is imported when one is read: most environments promote nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.database.ledger import Ledger
from lockgate.planner.environments.environment import Environment
from lockgate.planner.errors import ConfigurationError, Unreachable, UsageError
from lockgate.planner.plan.verify import refuse_foreign
from lockgate.planner.value import replace
from lockgate.plans.making import Request
from lockgate.workspace import load_environment, open_workspace

if TYPE_CHECKING:
    from lockgate.planner.building.promotion import Origin, SignedReceipt
    from lockgate.planner.plan.proof import Promotion

SIGN = "Or have its receipts signed: `migrate apply PLAN --receipt FILE --sign-with KEY`."


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
    from lockgate.planner.building.promotion import origin_by_ledger
    from lockgate.trust.receipts import read_signed

    if not receipts:
        return origin_by_ledger(source, _read_live(environment, source))
    return _by_receipts(environment, source, [read_signed(path, environment) for path in receipts])


def reread_origin(promotion: Promotion, environment: Environment) -> Origin:
    """What is known of the environment that a plan says it is promoted from: its receipts and their
    signatures are verified again, and its history is read where these do not suffice."""
    from lockgate.planner.building.promotion import origin_by_ledger
    from lockgate.trust.receipts import read_carried

    source = promotion.environment
    if promotion.by == "ledger":
        return origin_by_ledger(source, _read_live(environment, source))
    carried = [read_carried(one, environment) for one in promotion.receipts]
    return _by_receipts(environment, source, carried)


def _by_receipts(
    environment: Environment, source: str, receipts: Sequence[SignedReceipt]
) -> Origin:
    """What the receipts show; where the policy requires them and one bears no signature that
    counts, as far as the environment's own history says so too."""
    from lockgate.planner.building.promotion import confirmed_by, origin_by_receipts

    terms = environment.policy.promotion
    origin = origin_by_receipts(environment.project, source, receipts)
    is_proved = all(terms.counts(one.signers) for one in receipts) if terms else True
    if terms is None or terms.receipt != "required" or is_proved or not origin.records:
        return origin
    return confirmed_by(origin, _read_live(environment, source))


def find_soak(environment: Environment) -> timedelta:
    """How long the environment's policy wants a migration to have been elsewhere."""
    terms = environment.policy.promotion
    return timedelta(seconds=terms.min_soak if terms else 0.0)


def _read_live(environment: Environment, source: str) -> Ledger:
    """The history of the environment that plans are promoted from.

    Raises:
        Unreachable, ConfigurationError: it cannot be read; says how to do without.
    """
    there = load_environment(source, environment.folder)
    if there.fleet is not None:
        raise UsageError(
            f"{source} is a fleet, whose targets have a history each.",
            do="Give the receipt of its run, signed where that is required: `--receipt FILE`.",
        )
    try:
        with open_workspace(there) as work:
            ledger = work.engine.store.read_ledger()
            server, project = work.engine.server, environment.project
            refuse_foreign(server, ledger, project=project, environment=source)
    except (Unreachable, ConfigurationError) as error:
        error.why = (
            error.why or f"The history of {source} is asked, as no signed receipt was given."
        )
        error.do = "\n".join(filter(None, (error.do, SIGN)))
        raise
    return ledger
