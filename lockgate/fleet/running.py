"""`migrate apply` of a fleet plan, and the `check:` after a wave: who may, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.coordinator import Coordinator, NotedRun
from lockgate.executors.fleet.crew import Crew, TargetResult, TargetState
from lockgate.executors.fleet.driver import Drive, Driver, RunTerms, Watcher
from lockgate.executors.fleet.local import LocalCrew
from lockgate.fleet.applying import FleetRun
from lockgate.fleet.members import FleetWorkspace, open_fleet
from lockgate.fleet.throttling import Throttled
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import (
    Denied,
    Interrupted,
    LockgateError,
    Paused,
    StalePlan,
    StatementFailed,
    Unreachable,
    Unresolved,
    UsageError,
    WrongTarget,
)
from lockgate.planner.fleet.fleet_plan import FleetPlan, read_fleet_plan
from lockgate.planner.fleet.receipt import TargetEnd, make_fleet_receipt
from lockgate.runs.notifying import notifying_fleet
from lockgate.signals import ignore_signals
from lockgate.trust.admission import read_intent, read_trusted
from lockgate.trust.approvals import count_approvers
from lockgate.trust.receipts import hand_out_fleet_receipt
from lockgate.views.fleet.run import describe_end, describe_targets, show_end, tell_idle, watching
from lockgate.views.fleet.text import name_some
from lockgate.views.run import progress
from lockgate.views.terminal import tell
from lockgate.workspace import load_environment

if TYPE_CHECKING:
    from lockgate.executors.apply import Author
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.folder import EnvironmentsFolder

ERRORS: tuple[tuple[TargetState, type[LockgateError]], ...] = (
    (TargetState.HALF_DONE, Unresolved),
    (TargetState.FAILED, StatementFailed),
    (TargetState.UNREACHABLE, Unreachable),
    (TargetState.REFUSED, StalePlan),
)
"""What a run ends with that has targets in one of these states, the gravest first."""


def read_admitted(
    plan_file: Path, name: str | None, folder: EnvironmentsFolder | None, reviewed: str | None
) -> tuple[FleetPlan, Environment]:
    """A fleet's plan from its file, and its environment, when it is for this one and does what was
    reviewed.

    Raises:
        WrongTarget, Denied, InvalidPlan: it is not, or a policy has denied it.
    """
    plan = read_fleet_plan(plan_file)
    if name not in (None, plan.environment):
        raise WrongTarget(
            f"The plan is for the environment {plan.environment}, not for {name}.",
            do=f"Leave out `-e {name}`, or make a plan for it: migrate plan -e {name}.",
        )
    intent = read_reviewed(reviewed)
    if intent is not None and intent != plan.intent_digest:
        raise Denied(
            "The plan does not do what was reviewed.",
            why="Its groups have other intents; nothing was run.",
            do="`migrate show PLAN` shows its intent.",
        )
    for group in plan.groups:
        refuse_denied(group.plan.decisions)
    return plan, load_environment(plan.environment, folder)


def read_reviewed(reviewed: str | None) -> str | None:
    """The intent that was reviewed, by its digest or by the file of a fleet's plan."""
    from lockgate.planner.fleet.fleet_plan import is_fleet_plan

    if reviewed is not None and is_fleet_plan(Path(reviewed)):
        return read_fleet_plan(Path(reviewed)).intent_digest
    return read_intent(reviewed)


def apply_fleet(
    plan_file: Path,
    name: str | None,
    folder: EnvironmentsFolder | None,
    reviewed: str | None,
    receipt_file: Path | None,
    key: Path | None,
    author: Author,
    *,
    allow_non_atomic: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Applies a fleet's plan, or goes on with it, until the author's deadline.

    Raises:
        Paused: too many targets have failed, a check says stop, or it is too late; the same command
            goes on.
        LockgateError: targets are not applied; or nothing was begun.
    """
    emergency = author.emergency
    opened = _opened_run(
        plan_file, name, folder, reviewed, author, allow_non_atomic=allow_non_atomic
    )
    with opened as run:
        watcher = watching(as_json=as_json, verbose=verbose)
        total = len(run.targets)
        if emergency:
            tell(f"EMERGENCY: {emergency}", "bold red")
        environment, digest = run.fleet.environment, run.plan.digest
        with notifying_fleet(environment, digest, watcher, emergency) as told:
            done, noted = drive_run(run, told)
            _tell_newcomers(run.plan, run.fleet)
            if receipt_file:
                _hand_out_receipt(run, done, noted, receipt_file, key)
            refuse_unfinished(done, total, f"migrate apply {plan_file}")
    show_end(run.plan, done, total, as_json=as_json)


@contextmanager
def _opened_run(
    plan_file: Path,
    name: str | None,
    folder: EnvironmentsFolder | None,
    reviewed: str | None,
    author: Author,
    *,
    allow_non_atomic: bool,
) -> Iterator[FleetRun]:
    """The run of a fleet's plan that may begin, with its targets found."""
    plan, environment = read_admitted(plan_file, name, folder, reviewed)
    _refuse_emergency_of_workers(environment, author.emergency)
    signatures, maker = read_trusted(plan, plan_file, environment)
    approvers = count_approvers(plan, signatures, environment, datetime.now(UTC))
    with open_fleet(environment) as fleet:
        yield FleetRun(
            fleet, plan, {place.name: place for place in fleet.find_places()}, signatures, maker,
            approvers, author, plan.intent_digest if reviewed else None,
            allow_non_atomic,
        )  # fmt: skip


def _refuse_emergency_of_workers(environment: Environment, emergency: str) -> None:
    """Raises UsageError where workers would have to believe what a row of the control database
    says: who can write there could pass over the policies."""
    if emergency and environment.fleet and environment.fleet.crew != "local":
        raise UsageError(
            "`--emergency` is not for a fleet with workers.",
            why="Each worker asks for the approvals itself, and would have to take the emergency "
            "from the control database.",
            do="Plan for the targets that have it: `migrate plan -e NAME/TARGET`.",
        )


def dry_run_fleet(
    plan_file: Path,
    name: str | None,
    folder: EnvironmentsFolder | None,
    reviewed: str | None,
    author: Author,
    *,
    allow_non_atomic: bool,
) -> None:
    """Prints the SQL of each group, after the checks of its first target; changes nothing.

    Raises:
        LockgateError: applying it to that target would be refused.
    """
    opened = _opened_run(
        plan_file, name, folder, reviewed, author, allow_non_atomic=allow_non_atomic
    )
    with opened as run:
        for number, group in enumerate(run.plan.groups, 1):
            if group.plan.steps:
                tell(f"Group {number}: {describe_targets(group)}", "bold")
                run.show_dry_run(group)


def _hand_out_receipt(
    run: FleetRun, done: Drive, noted: NotedRun | None, file: Path, key: Path | None
) -> None:
    """The receipt of a run that has ended: with what is not applied, too."""
    if noted is None or noted.finished_at is None or done.paused:
        tell("There is no receipt: the run has not ended, or there was nothing to do.", "yellow")
        return
    ends = (
        TargetEnd(
            name=one.name, group=run.targets[one.name][0] + 1, state=one.state.value, run=one.run,
            # A driver's own words name the host and the user.
            detail="" if one.state == TargetState.UNREACHABLE else one.detail,
        )
        for one in done.results.values()
    )  # fmt: skip
    receipt = make_fleet_receipt(
        run.plan, ends, tool_version=run.author.tool_version, actor=run.author.actor,
        job=run.author.job, approvers=run.approvers.names, emergency=run.author.emergency,
        started_at=noted.started_at, finished_at=noted.finished_at,
    )  # fmt: skip
    hand_out_fleet_receipt(receipt, file, key)


def drive_run(run: FleetRun, watcher: Watcher) -> tuple[Drive, NotedRun | None]:
    """How the run has gone, and what is noted of it; None: there was nothing to do."""
    tasks = run.tasks()
    if not tasks:
        return Drive(), None
    settings, plan = run.fleet.settings, run.plan
    failures = settings.failures
    with (
        run.fleet.open_coordinator() as engine,
        progress.showing(verbose=False) as emit,
    ):
        coordinator = Coordinator(engine)
        with coordinator.driving(emit), opened_crew(run, coordinator) as crew:
            if not coordinator.has_ended(plan):
                run.refuse_start(engine.server.now)
            noted = coordinator.begin(plan, run.author.actor, run.approvers.names)
            coordinator.keep_signatures(plan.digest, run.signatures.by_name())
            terms = RunTerms(
                failures.total, failures.consecutive, failures.per_host, settings.soak,
                find_check(run.fleet), run.deadline,
            )  # fmt: skip
            driver = Driver(plan, tasks, crew, coordinator, terms, watcher)
            done = driver.drive(run.author.actor, afresh=noted.state == "finished")
            ignore_signals()
            return done, coordinator.find_run(plan)


@contextmanager
def opened_crew(run: FleetRun, coordinator: Coordinator) -> Iterator[Crew]:
    """Who applies, as the environment says."""
    settings = run.fleet.settings
    if settings.crew == "local":
        with Throttled(run.fleet, list(run.places.values())) as throttled:
            yield LocalCrew(
                run.perform, parallel=settings.parallel, per_host=settings.per_host,
                is_ready=throttled.is_ready, deadline=run.deadline,
            )  # fmt: skip
        return
    from lockgate.executors.fleet.procrastinate import (
        Assignment,
        QueueCrew,
        QueueTerms,
        translated_losses,
    )

    template = Assignment(run.plan.digest, (), bool(run.intent), run.allow_non_atomic)
    name = run.fleet.environment.name
    terms = QueueTerms(template, settings.per_host, lambda: tell_idle(name), run.deadline)
    queue = run.fleet.find_queue(coordinator.schema)
    with translated_losses(), queue.opened() as opened:
        yield QueueCrew(opened, coordinator, terms)


def find_check(fleet: FleetWorkspace) -> Callable[[], str]:
    """What says, after a wave, why the next one must not begin; empty where it may."""
    sql = fleet.settings.check
    if sql is None:
        return lambda: ""

    def check() -> str:
        try:
            with fleet.open_own() as engine:
                rows = engine.survey.query_read_only(sql)
        except (ServerError, Unreachable) as error:
            return f"the check could not be asked: {error}"
        value = next(iter(rows[0].values()), None) if rows else None
        return f"the check says {value}" if value else ""

    return check


def _tell_newcomers(plan: FleetPlan, fleet: FleetWorkspace) -> None:
    """Which targets have come since the plan was made: it is not for them."""
    known = {target.name for target in plan.targets} | {one.name for one in plan.odd}
    come = [place.name for place in fleet.find_places() if place.name not in known]
    if come:
        tell(
            f"New since the plan, and not in it: {name_some(come)}. Plan again for them.", "yellow"
        )


def refuse_unfinished(done: Drive, total: int, again: str) -> None:
    """Raises Interrupted and Paused when a run has paused, and the gravest of what has hindered
    targets; `again` is the command that goes on."""
    if done.signal:
        raise Interrupted(
            done.signal.signal_number,
            f"Interrupted. {describe_end(done, total)}",
            why="What was applied stays, and no other target was begun.",
            do=f"`{again}` goes on.",
        )
    if done.paused:
        raise Paused(
            f"The run has paused: {done.paused}. {describe_end(done, total)}",
            why="What was applied stays, and no other target was begun.",
            do=f"See what failed with `migrate status`; `{again}` goes on.",
        )
    for state, kind in ERRORS:
        found = _in_state(done.results, state)
        if found:
            raise kind(
                f"{describe_end(done, total)} {state.value.capitalize()}: {name_some(found)}.",
                why="The others are applied. What hinders a target is reported above.",
                do=f"`{again}` tries again; one target is worked on with `-e ENVIRONMENT/TARGET`.",
            )


def _in_state(results: Mapping[str, TargetResult], state: TargetState) -> list[str]:
    return [name for name, result in results.items() if result.state == state]
