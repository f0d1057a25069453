"""Making of a plan for an open environment: the same for `plan`, `up` and `down`."""

from __future__ import annotations

from lockgate.work import Work, compare_with, load_migrations, setting
from planner.build import build_down_plan, build_up_plan
from planner.errors import UsageError
from planner.ledger import Ledger
from planner.plan import Plan
from planner.verify import refuse_foreign, refuse_unresolved


def make_plan(
    work: Work,
    ledger: Ledger,
    *,
    to: str | None = None,
    steps: int | None = None,
    down_to: str | None = None,
) -> Plan:
    """The plan up to `to`, or for the rollback of `steps` migrations or down to `down_to`.

    Raises:
        UsageError: more than one of the three is given.
        LockgateError: as `build_up_plan` and `build_down_plan`; and when the database is
            another's, or has a run that stopped half-way.
    """
    if sum(choice is not None for choice in (to, steps, down_to)) > 1:
        raise UsageError("Give only one of --to, --down and --down-to.")
    environment, server = work.environment, work.engine.server
    refuse_foreign(server, ledger, project=environment.project, environment=environment.name)
    refuse_unresolved(ledger)
    directory = load_migrations(environment)
    comparison = compare_with(directory, ledger)
    made_for = setting(environment, server, directory)
    if steps is None and down_to is None:
        return build_up_plan(comparison, ledger, made_for, to=to)
    return build_down_plan(comparison, ledger, made_for, steps=steps, to=down_to)
