"""Making of a plan for an open environment: the same for `plan`, `up` and `down`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from lockgate import __version__
from lockgate.source import read_source
from lockgate.work import Work, load_migrations
from planner.build import Setting, build_baseline_plan, build_down_plan, build_up_plan
from planner.compare import compare
from planner.directory import Directory
from planner.environment import Environment
from planner.errors import UsageError
from planner.ledger import Ledger
from planner.plan import Plan
from planner.server import Server
from planner.verify import refuse_foreign, refuse_unresolved


@dataclass(frozen=True, slots=True)
class Request:
    """What to plan: everything pending, unless one of these says otherwise.

    `to` is the last version to apply, `baseline` the last to record without running it;
    `steps` is how many to roll back, `down_to` the version above which all is rolled back.

    Raises:
        UsageError: more than one is given.
    """

    to: str | None = None
    baseline: str | None = None
    steps: int | None = None
    down_to: str | None = None

    def __post_init__(self) -> None:
        given = (self.to, self.baseline, self.steps, self.down_to)
        if sum(choice is not None for choice in given) > 1:
            raise UsageError("Give only one choice of what to plan: one version, or one number.")


def make_plan(work: Work, ledger: Ledger, request: Request) -> Plan:
    """The plan for a request.

    Raises:
        LockgateError: as the builders of `planner.build`; and when the database is another's,
            or has a run that stopped half-way.
    """
    environment, server = work.environment, work.engine.server
    refuse_foreign(server, ledger, project=environment.project, environment=environment.name)
    refuse_unresolved(ledger)
    directory = load_migrations(environment)
    comparison = compare(directory.migrations, ledger)
    made_for = _setting(environment, server, directory)
    if request.baseline is not None:
        return build_baseline_plan(comparison, ledger, made_for, request.baseline)
    if request.steps is None and request.down_to is None:
        return build_up_plan(comparison, ledger, made_for, to=request.to)
    return build_down_plan(comparison, ledger, made_for, steps=request.steps, to=request.down_to)


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
