"""Making of a plan for an open environment: the same for `plan`, `up` and `down`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from lockgate import __version__
from lockgate.source import read_source
from lockgate.work import Work, load_migrations
from planner.build import (
    Setting,
    build_baseline_plan,
    build_down_plan,
    build_stored_down_plan,
    build_up_plan,
)
from planner.compare import Comparison, compare
from planner.drift import with_fingerprint
from planner.errors import BrokenHistory, UsageError
from planner.ledger import Ledger
from planner.plan import Plan, Source
from planner.policy import judged
from planner.stored import stored_source
from planner.verify import refuse_foreign, refuse_unresolved


@dataclass(frozen=True, slots=True)
class Request:
    """What to plan: everything pending, unless one of these says otherwise.

    `to` is the last version to apply, `baseline` the last to record without running it;
    `steps` is how many to roll back, `down_to` the version above which all is rolled back;
    `from_database` says that the rollback's SQL is the one that the database keeps, and
    `allow_non_atomic` that the plan may be one that can stop half-way for good.

    Raises:
        UsageError: more than one is given, or something else than a rollback from the database.
    """

    to: str | None = None
    baseline: str | None = None
    steps: int | None = None
    down_to: str | None = None
    from_database: bool = False
    allow_non_atomic: bool = False

    @property
    def is_rollback(self) -> bool:
        """Whether anything is to be rolled back."""
        return self.steps is not None or self.down_to is not None

    def __post_init__(self) -> None:
        given = (self.to, self.baseline, self.steps, self.down_to)
        if sum(choice is not None for choice in given) > 1:
            raise UsageError("Give only one choice of what to plan: one version, or one number.")
        if self.from_database and not self.is_rollback:
            raise UsageError(
                "Only a rollback can be planned from the database.",
                do="Add `--down N` or `--down-to VERSION`.",
            )


def make_plan(work: Work, ledger: Ledger, request: Request) -> Plan:
    """The plan for a request, with what the environment's policies say of it.

    Raises:
        LockgateError: as `draft_plan`; and when a run stopped half-way.
    """
    refuse_unresolved(ledger)
    plan = draft_plan(work, ledger, request)
    if work.environment.drift == "check":
        plan = with_fingerprint(plan, work.engine.read_catalogue())
    if request.allow_non_atomic:
        plan = plan.model_copy(update={"accepted": ("non_atomic",)})
    return judged(plan, work.environment.policy)


def draft_plan(work: Work, ledger: Ledger, request: Request) -> Plan:
    """The plan for a request, which no policy has seen.

    Raises:
        LockgateError: as the builders of `planner.build`; and when the database is another's.
    """
    environment, server = work.environment, work.engine.server
    refuse_foreign(server, ledger, project=environment.project, environment=environment.name)
    if request.from_database:
        return _stored_plan(work, ledger, request)
    directory = load_migrations(environment)
    comparison = compare(directory.migrations, ledger)
    source = read_source(environment.migrations_directory, directory.digest)
    made_for = make_setting(work, source, directory.warnings)
    if request.baseline is not None:
        return build_baseline_plan(comparison, ledger, made_for, request.baseline)
    if not request.is_rollback:
        return build_up_plan(comparison, ledger, made_for, to=request.to)
    return _down_plan(comparison, ledger, made_for, request)


def _down_plan(comparison: Comparison, ledger: Ledger, made_for: Setting, request: Request) -> Plan:
    """The plan of a rollback by the files; where they do not fit, the error says the other way."""
    try:
        return build_down_plan(
            comparison, ledger, made_for, steps=request.steps, to=request.down_to
        )
    except BrokenHistory as broken:
        broken.do = (
            "Restore the files (git checkout), or roll back without them: add `--from-database`."
        )
        raise


def _stored_plan(work: Work, ledger: Ledger, request: Request) -> Plan:
    """The plan of a rollback for which the migrations directory is not opened."""
    made_for = make_setting(work, stored_source(ledger))
    runs = work.engine.read_applied_plans()
    return build_stored_down_plan(runs, ledger, made_for, steps=request.steps, to=request.down_to)


def make_setting(work: Work, source: Source, warnings: tuple[str, ...] = ()) -> Setting:
    """What a plan of this environment is made for."""
    environment = work.environment
    age = environment.max_plan_age
    return Setting(
        project=environment.project,
        environment=environment.name,
        server=work.engine.server,
        source=source,
        tool_version=__version__,
        max_age=None if age is None else timedelta(seconds=age),
        transaction=environment.transaction,
        allow_out_of_order=environment.policy.out_of_order != "deny",
        variables=environment.variables,
        warnings=warnings,
        facts=work.engine.read_facts(),
        copy_limit=environment.copies.limit,
    )
