"""Making of a plan from what is known of a database: the same for `plan`, `up` and `down`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate import __version__
from lockgate.checkout import read_source
from lockgate.executors.engine import Engine
from lockgate.executors.ledger.occupancy import read_occupancy, refuse_moved_histories
from lockgate.planner.building.build import (
    Setting,
    build_down_plan,
    build_stored_down_plan,
    build_up_plan,
)
from lockgate.planner.building.compare import Comparison, compare
from lockgate.planner.building.observation import Observation
from lockgate.planner.building.own_tables import find_watched, refuse_own_tables
from lockgate.planner.building.selection import OPTION, Skips
from lockgate.planner.building.stored_runs import stored_source
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.occupancy import Occupancy, refuse_blind_baseline, refuse_occupied
from lockgate.planner.environments.environment import Environment
from lockgate.planner.environments.judgement import judged
from lockgate.planner.errors import BadSyntax, BrokenHistory, UsageError
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.plan.drift import with_fingerprint
from lockgate.planner.plan.plan import Plan, Source
from lockgate.planner.plan.verify import refuse_foreign, refuse_unresolved
from lockgate.planner.policies import out_of_order
from lockgate.planner.policies.non_atomic import KEY as NON_ATOMIC
from lockgate.planner.quantities import format_moment
from lockgate.planner.value import frozen, replace
from lockgate.planner.versions import VersionKey
from lockgate.plans.linting import inspect_plan, lint_inside, lint_outside
from lockgate.workspace import Workspace, load_migrations

if TYPE_CHECKING:
    from lockgate.planner.adoption.matching import Takeover
    from lockgate.planner.building.promotion import Origin


@frozen
class Request:
    """What to plan: everything pending, unless one of these says otherwise.

    `to` is the last version to apply, `baseline` the last to record without running it;
    `record` are single versions to record, and `forget` those to take out of the history;
    `takeover` is another tool's history to take over;
    `steps` is how many to roll back, `down_to` the version above which all is rolled back, and
    `skip_irreversible` are those of them to pass over, for this `reason`;
    `only` are the versions to apply, with their checksums; `from_database` says that the
    rollback's SQL is the one that the database keeps, and `allow_non_atomic` that the plan may be
    one that can stop half-way for good. `rehearse` is to run it on a scratch database, and `state`
    is the file that replaces the live one. `origin` is what is known of the environment that
    the plan is promoted from, and `unseen` says that it is applied at once, without a review.
    `fresh` says that the tables of a database without a history are not of these migrations.
    `sizes` are rows and bytes that tables have in other databases that the plan is for.

    Raises:
        UsageError: more than one is given, something else than a rollback from the database, or
            what needs a database with a state in its place.
    """

    to: str | None = None
    baseline: str | None = None
    record: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    takeover: Takeover | None = None
    steps: int | None = None
    down_to: str | None = None
    skip_irreversible: tuple[str, ...] = ()
    reason: str | None = None
    only: Mapping[VersionKey, str] | None = None
    from_database: bool = False
    allow_non_atomic: bool = False
    rehearse: bool = False
    state: Path | None = None
    origin: Origin | None = None
    unseen: bool = False
    fresh: bool = False
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_rollback(self) -> bool:
        """Whether anything is to be rolled back."""
        return self.steps is not None or self.down_to is not None

    @property
    def skips(self) -> Skips:
        """What a rollback passes over."""
        return Skips(self.skip_irreversible, self.reason)

    @property
    def is_recording(self) -> bool:
        """Whether it only notes what is applied, and runs nothing."""
        return self.baseline is not None or bool(self.record or self.forget or self.takeover)

    @property
    def is_exempt(self) -> bool:
        """Whether nothing of it needs to have run elsewhere before."""
        return self.is_rollback or self.is_recording

    def __post_init__(self) -> None:
        given = (
            *(self.to, self.baseline, self.steps, self.down_to, self.only),
            *(self.record or None, self.forget or None, self.takeover),
        )
        if sum(choice is not None for choice in given) > 1:
            raise UsageError("Give only one choice of what to plan: one version, or one number.")
        if (self.from_database or self.skips.versions) and not self.is_rollback:
            raise UsageError(
                f"Only a rollback passes over a migration (`{OPTION}`)."
                if self.skips.versions
                else "Only a rollback can be planned from the database.",
                do="Add `--down N` or `--down-to VERSION`.",
            )
        if self.state and (self.rehearse or self.from_database):
            raise UsageError(
                "With `--state` the database is not asked, and this needs the database itself.",
                do=f"Leave `{'--rehearse' if self.rehearse else '--from-database'}` away, "
                "or `--state`.",
            )


def observe(work: Workspace, ledger: Ledger, request: Request) -> Observation:
    """What a live database says, as far as the request needs it."""
    engine = work.engine
    facts = engine.survey.read_facts()
    if request.sizes:
        from lockgate.planner.fleet.grouping import enlarged

        facts = enlarged(facts, request.sizes)
    return Observation(
        server=engine.server,
        ledger=ledger,
        facts=facts,
        fingerprint=engine.session.managed.of(engine.survey.read_catalogue().digests())
        if work.environment.drift == "check"
        else None,
        runs=tuple(engine.store.runs.read_applied_plans()) if request.from_database else (),
        occupancy=read_occupancy(engine, ledger),
        absent=_absent_readers(engine),
    )


def _absent_readers(engine: Engine) -> tuple[str, ...]:
    if not engine.session.readers or engine.store.tables.exist:
        return ()
    return tuple(one.what for one in engine.survey.read_access().lacking if one.absent)


def read_observation(path: Path, environment: Environment) -> Observation:
    """What a state file says of the environment's database.

    Raises:
        UsageError: it cannot be read.
        InvalidPlan, WrongTarget: it is no state of it.
    """
    from lockgate.planner.building.statefile import read_state

    state = read_state(path)
    return state.observed(project=environment.project, environment=environment.name)


def plan_live(work: Workspace, ledger: Ledger, request: Request) -> Plan:
    """`make_plan` from what the database says now, which is also asked whether it can read all.

    Raises:
        BadSyntax: it cannot.
        LockgateError: as `make_plan`.
    """
    if not request.is_recording:
        refuse_moved_histories(work.engine, ledger)
    plan = make_plan(work.environment, observe(work, ledger, request), request)
    refuse_bad_syntax(plan, work.engine)
    if any(step.contract for step in plan.steps):
        from lockgate.planner.plan.contract import refuse_early

        refuse_early(plan, ledger, work.engine.server.now, work.engine.survey.find_readers)
    if plan.has_batches:
        from lockgate.executors.batches.key import refuse_unfit_keys

        refuse_unfit_keys(plan, work.engine.session)
    return plan


def refuse_bad_syntax(plan: Plan, engine: Engine) -> None:
    """Raises BadSyntax when the server says that it cannot read a statement of the plan."""
    if failure := engine.survey.find_syntax_error(plan):
        error = failure.error
        raise BadSyntax(
            f"{error.message} ({error.code})",
            path=Path(failure.step.file),
            line=failure.line,
            column=failure.column,
            why="The server was asked whether it can read the statement; nothing was run.",
            do="Correct the file.",
        )


@frozen
class Draft:
    """A plan that was not reviewed, and the files that it was made from, if it was."""

    plan: Plan
    migrations: tuple[Migration, ...] = ()


def make_plan(environment: Environment, seen: Observation, request: Request) -> Plan:
    """The plan for a request, with what linters and the environment's policies say of it.

    Raises:
        MigrationFileError: it would change lockgate's own tables.
        LockgateError: as `draft_plan`; and when a run stopped half-way.
    """
    refuse_unresolved(seen.ledger)
    draft = draft_plan(environment, seen, request)
    dialect = seen.server.dialect
    default = seen.facts.default_schema or (
        "" if dialect.transactional_ddl else seen.server.database
    )
    refuse_own_tables(draft.plan.steps, seen.server, default)
    lint_more = lint_outside if _is_linted_outside(environment, request) else lint_inside
    watched = find_watched(draft.plan.steps, seen.ledger, default)
    drafted = draft.plan.model_copy(update={"warnings": (*draft.plan.warnings, *watched)})
    plan = inspect_plan(drafted, environment, seen, draft.migrations, lint_more)
    if plan.has_copies:
        from lockgate.executors.programs.online_tools import with_versions

        plan = with_versions(plan)
    if request.allow_non_atomic:
        plan = plan.model_copy(update={"accepted": (NON_ATOMIC,)})
    if seen.fingerprint is not None:
        plan = with_fingerprint(plan, seen.fingerprint)
    if request.origin is not None:
        from lockgate.planner.building.promotion import with_promotion

        plan = with_promotion(plan, request.origin)
    return judged(plan, environment.policy)


def _is_linted_outside(environment: Environment, request: Request) -> bool:
    """Whether somebody sees what an outer linter finds, or a policy asks for it."""
    policy = environment.policy
    heeded = policy.findings not in (None, "allow") or policy.waivers != "allow"
    return heeded or not (request.is_rollback and request.unseen)


def draft_plan(environment: Environment, seen: Observation, request: Request) -> Draft:
    """The plan for a request, which no linter and no policy has seen.

    Raises:
        LockgateError: as the builders of `planner.building.build`; and when the database is
            another's.
    """
    project, name = environment.project, environment.name
    refuse_foreign(seen.server, seen.ledger, project=project, environment=name)
    directory = None if request.from_database else load_migrations(environment)
    if not (request.fresh or request.is_recording):
        refuse_occupied(seen.occupancy, seen.ledger, name)
    if directory is None:
        made_for = make_setting(environment, seen, stored_source(seen.ledger))
        return Draft(
            build_stored_down_plan(
                seen.runs,
                seen.ledger,
                made_for,
                steps=request.steps,
                to=request.down_to,
                skips=request.skips,
            )
        )
    comparison = compare(directory.migrations, seen.ledger)
    source = read_source(environment.migrations_directory, directory.digest)
    warnings = directory.warnings_on(comparison.pending)
    made_for = make_setting(environment, seen, source, warnings)
    if not request.is_recording:
        made_for = with_occupancy(made_for, seen.occupancy)
    plan = _build_plan(comparison, seen.ledger, made_for, request)
    if request.baseline is not None:
        refuse_blind_baseline(seen.occupancy, (step.version for step in plan.steps), name)
    return Draft(plan, tuple(directory.migrations))


def _build_plan(
    comparison: Comparison, ledger: Ledger, made_for: Setting, request: Request
) -> Plan:
    if request.is_recording:
        return _recording_plan(comparison, ledger, made_for, request)
    if not request.is_rollback:
        return build_up_plan(comparison, ledger, made_for, to=request.to, only=request.only)
    return _down_plan(comparison, ledger, made_for, request)


def _recording_plan(
    comparison: Comparison, ledger: Ledger, made_for: Setting, request: Request
) -> Plan:
    from lockgate.planner.adoption.plan import build_adoption_plan
    from lockgate.planner.building import records

    if request.baseline is not None:
        return records.build_baseline_plan(comparison, ledger, made_for, request.baseline)
    if request.takeover:
        return build_adoption_plan(comparison, ledger, made_for, request.takeover)
    if request.record:
        return records.build_record_plan(comparison, ledger, made_for, request.record)
    return records.build_forget_plan(ledger, made_for, request.forget)


def _down_plan(comparison: Comparison, ledger: Ledger, made_for: Setting, request: Request) -> Plan:
    """The plan of a rollback by the files; where they do not fit, the error says the other way."""
    try:
        return build_down_plan(
            comparison, ledger, made_for,
            steps=request.steps, to=request.down_to, skips=request.skips,
        )  # fmt: skip
    except BrokenHistory as broken:
        broken.do = (
            "Restore the files (git checkout), or roll back without them: add `--from-database`."
        )
        raise


def make_setting(
    environment: Environment, seen: Observation, source: Source, warnings: tuple[str, ...] = ()
) -> Setting:
    """What a plan of this environment is made for."""
    age = environment.max_plan_age
    return Setting(
        project=environment.project,
        environment=environment.name,
        server=seen.server,
        source=source,
        tool_version=__version__,
        max_age=None if age is None else timedelta(seconds=age),
        transaction=environment.transaction,
        allow_out_of_order=out_of_order.makes(environment.policy.out_of_order),
        variables=environment.variables,
        warnings=(*_at_second_hand(seen), *_without_readers(seen), *warnings),
        facts=seen.facts,
        copy_limit=environment.copies.limit,
        state_pulled_at=seen.pulled_at,
    )


def _without_readers(seen: Observation) -> Iterator[str]:
    for one in seen.absent:
        yield (
            f"`history: {{readers: …}}` names {one}, which is not there: `apply` could not make "
            "lockgate's tables. Make it, or take it out of the environment."
        )


def with_occupancy(made_for: Setting, found: Occupancy | None) -> Setting:
    """The setting of a plan that runs something, with what the database held before the first."""
    if found is None:
        return made_for
    if not found.tables:
        return replace(made_for, fresh=False)
    warning = f"The database holds {found}, said not to be of these migrations (--fresh)."
    return replace(made_for, fresh=True, warnings=(*made_for.warnings, warning))


def _at_second_hand(seen: Observation) -> tuple[str, ...]:
    if seen.pulled_at is None:
        return ()
    return (
        f"Made from a state that was pulled at {format_moment(seen.pulled_at)}, "
        "not from the database: for review alone.",
    )
