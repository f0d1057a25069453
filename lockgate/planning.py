"""Making of a plan for an open environment: the same for `plan`, `up` and `down`."""

from __future__ import annotations

from datetime import timedelta

from lockgate import __version__
from lockgate.source import read_source
from lockgate.work import Work, load_migrations
from planner.build import Setting, build_down_plan, build_up_plan
from planner.compare import compare
from planner.directory import Directory
from planner.environment import Environment
from planner.errors import UsageError
from planner.ledger import Ledger
from planner.plan import Plan
from planner.server import Server
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
    comparison = compare(directory.migrations, ledger)
    made_for = _setting(environment, server, directory)
    if steps is None and down_to is None:
        return build_up_plan(comparison, ledger, made_for, to=to)
    return build_down_plan(comparison, ledger, made_for, steps=steps, to=down_to)


def _setting(environment: Environment, server: Server, directory: Directory) -> Setting:
    """What a plan of this environment is made for."""
    age = environment.max_plan_age
    return Setting(
        project=environment.project,
        environment=environment.name,
        server=server,
        source=read_source(environment.migrations_directory, directory.digest),
        tool_version=__version__,
        max_age=None if age is None else timedelta(seconds=age),
        transaction=environment.transaction,
        allow_out_of_order=environment.allow_out_of_order,
        variables=environment.variables,
        warnings=directory.warnings,
    )
