"""Application of a plan: lock, verify, run and record; nothing here knows an engine.

The SQL comes from the plan alone. A crash at any place leaves the ledger exact: it changes
in the transaction that it tells of, and what is kept outside of one is in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from lockgate.executors.costs.waits import noting_waits
from lockgate.executors.engine import Engine, Journal, Run
from lockgate.executors.events import Emit, RunStarted
from lockgate.executors.failure import NotReached, ServerError, StepFailed, advice
from lockgate.executors.ledger.occupancy import (
    read_occupancy,
    refuse_moved_histories,
    refuse_stale_takeover,
)
from lockgate.executors.ledger.store import FORGET_STEP
from lockgate.executors.polling import poll
from lockgate.executors.receipts import Keep, keep_nothing
from lockgate.executors.run_errors import (
    all_undone,
    applied_by_another,
    batches_kept,
    cut_off,
    half_done,
    in_doubt,
    interrupted_after,
    not_reached,
    partly_applied,
    unknown_end,
)
from lockgate.executors.states import UNDER_WAY, WHOLE, Outcome, RunStatus
from lockgate.planner.database.ledger import Identity, Ledger
from lockgate.planner.database.occupancy import refuse_occupied
from lockgate.planner.errors import Interrupted, LockgateError, Paused, StatementFailed, Unreachable
from lockgate.planner.plan.contract import refuse_early
from lockgate.planner.plan.drift import refuse_changed_schema
from lockgate.planner.plan.plan import Plan, Step, Unit, intent_digest
from lockgate.planner.plan.verify import (
    encode_evidence,
    find_position,
    is_to_note,
    refuse_expired,
    refuse_foreign,
    refuse_offline,
    refuse_other_rules,
    refuse_read_only,
    refuse_unresolved,
    refuse_wrong_target,
)
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.plan.receipt import Job

CUT_WAIT = 3.0  # seconds for a server to come back, or to let another session in
UNDONE = "Interrupted. Everything that this run had done was undone."

Conclusion = Literal["applied", "already applied", "nothing to do"]
Admit = Callable[[Plan, datetime], tuple[str, ...]]
"""Those who have approved a plan; raises Denied when it may not be begun at this moment of the
database's clock, in UTC."""


@frozen
class Author:
    """Who applies, with what, and in which job of CI; `new_id` makes a new UUID.
    `deadline` is when batches are to stop, by the monotonic clock in seconds; `emergency` is why
    the run passes over policies, empty where it does not."""

    actor: str
    tool_version: str
    new_id: Callable[[], str]
    job: Job | None = None
    deadline: float | None = None
    emergency: str = ""


@frozen
class Report:
    """How an application ended well: the steps that this run applied, in order."""

    outcome: Conclusion
    plan: Plan
    steps: tuple[Step, ...] = ()


def admit_any(plan: Plan, now: datetime) -> tuple[str, ...]:
    """Every plan may be begun, without an approval."""
    return ()


def apply(
    plan: Plan,
    engine: Engine,
    author: Author,
    *,
    wait: float,
    emit: Emit,
    admit: Admit = admit_any,
    keep: Keep = keep_nothing,
) -> Report:
    """Applies a plan under the migration lock, waited for up to `wait` seconds.

    Raises:
        Locked, WrongTarget, StalePlan, ExpiredPlan, Denied: before anything was run.
        StatementFailed: a statement was refused, and all of this plan was undone.
        Unresolved: part of the plan is kept; says which part, and what to do.
        Paused: the author's deadline has passed; what is done is kept.
    """
    with engine.lock.hold(wait, emit):
        return apply_locked(plan, engine, engine.store.read_ledger(), author, emit, admit, keep)


def apply_locked(
    plan: Plan,
    engine: Engine,
    ledger: Ledger,
    author: Author,
    emit: Emit,
    admit: Admit = admit_any,
    keep: Keep = keep_nothing,
) -> Report:
    """`apply` by a caller that holds the lock and has just read the ledger."""
    refuse_elsewhere(plan, engine, ledger)
    ledger = recover(plan, engine, ledger, author, emit)
    done, approvers = verify(plan, engine, ledger, admit)
    if done == len(plan.steps) and not is_to_note(plan, ledger):
        return Report("already applied" if plan.steps or plan.adopted else "nothing to do", plan)
    engine.units.refuse_weaker(plan, done)
    identity = ledger.identity or new_identity(plan.project, plan.environment, engine, author)
    journal = engine.store.runs.read_journal(plan.digest) if ledger.unresolved else None
    about = (plan, author.actor, author.tool_version, approvers, author.job, author.deadline)
    run_id = journal.run_id if journal else author.new_id()
    run = Run(run_id, *about, emergency=author.emergency)
    with _noting():
        if journal:
            engine.store.resume_run(run)
        else:
            engine.store.begin_run(run, identity)
    with noting_waits(engine.session, engine.store, run, emit) as told:
        told(RunStarted(plan, done))
        _run_units(run, engine, done, journal, told)
        if not plan.steps:  # a crash before it leaves a run that has noted nothing
            engine.store.finish_run(run.id, RunStatus.COMMITTED)
    keep(run, engine, identity)
    return Report("applied", plan, plan.steps[done:])


def verify(
    plan: Plan, engine: Engine, ledger: Ledger, admit: Admit = admit_any
) -> tuple[int, tuple[str, ...]]:
    """How many of the plan's steps the database already has, and, of a plan that is to be begun,
    who has approved it; checks that it may be applied.

    A plan that was fully applied is not held against other runs, and one that was begun is
    not held against its age or the environment's policy: going on is the way out.
    """
    refuse_elsewhere(plan, engine, ledger)
    done = find_position(plan, ledger)
    if done and not engine.store.runs.has_run(plan):
        raise applied_by_another(plan, done)
    if done < len(plan.steps):
        refuse_unresolved(ledger, plan)
        refuse_other_rules(plan, engine.server)
    approvers: tuple[str, ...] = ()
    begins = not done and (plan.steps or is_to_note(plan, ledger))
    if begins and plan.digest not in ledger.unresolved:
        refuse_expired(plan, engine.server)
        _refuse_other_tools(plan, engine, ledger)
        if any(step.contract for step in plan.steps):
            refuse_early(plan, ledger, engine.server.now, engine.survey.find_readers)
        approvers = admit(plan, engine.server.now)
        if plan.fingerprint is not None:
            refuse_changed_schema(plan, engine.survey.read_catalogue(), engine.session.managed)
    return done, approvers


def _refuse_other_tools(plan: Plan, engine: Engine, ledger: Ledger) -> None:
    """Raises HistoryError or StalePlan when the database is not what the plan takes it for: empty
    before the first run, or as another tool has left it."""
    if plan.fresh is False:
        refuse_occupied(read_occupancy(engine, ledger), ledger, plan.environment)
    if plan.adopted is not None:
        refuse_stale_takeover(engine, plan, plan.adopted)
    elif not all(step.record for step in plan.steps):
        refuse_moved_histories(engine, ledger)


def refuse_elsewhere(plan: Plan, engine: Engine, ledger: Ledger) -> None:
    """Raises WrongTarget when this is not the database that the plan was made for."""
    refuse_offline(plan)
    refuse_read_only(engine.server)
    refuse_wrong_target(plan, engine.server, ledger)
    refuse_foreign(engine.server, ledger, project=plan.project, environment=plan.environment)


def recover(plan: Plan, engine: Engine, ledger: Ledger, author: Author, emit: Emit) -> Ledger:
    """Ends what an interrupted run of this very plan has left, and removes what runs that are
    committed have dropped; the ledger after it.

    Raises:
        Unresolved: the run could not be fully undone.
    """
    if ledger.present:
        engine.units.clear(emit)
    if plan.digest not in ledger.unresolved:
        return ledger
    journal = engine.store.runs.read_journal(plan.digest)
    if journal is None or not journal.compensated:
        return ledger
    run = Run(journal.run_id, plan, author.actor, author.tool_version, job=author.job)
    unit = plan.units(journal.compensated - 1)[0]
    engine.units.recover(run, unit, plan.base.serial + unit.first - 1, emit)
    return engine.store.read_ledger()


def recover_same(draft: Plan, engine: Engine, ledger: Ledger, author: Author, emit: Emit) -> Ledger:
    """`recover` without a plan file: of a run that was about to do what the draft would.

    Raises:
        Unresolved: another run stopped half-way.
    """
    for digest in ledger.unresolved:
        journal = engine.store.runs.read_journal(digest)
        plan = engine.store.runs.read_plan(journal.run_id) if journal else draft
        rest = plan.steps[journal.compensated - 1 :] if journal and journal.compensated else ()
        if intent_digest(rest) != draft.intent_digest:
            refuse_unresolved(ledger)
        refuse_elsewhere(plan, engine, ledger)
        ledger = recover(plan, engine, ledger, author, emit)
    return ledger


def find_batching(draft: Plan, engine: Engine, ledger: Ledger) -> Plan | None:
    """The plan of the run that stopped between batches, if the draft would do what is left of it,
    from the step in batches on: for a caller without a plan file."""
    for digest in ledger.unresolved:
        journal = engine.store.runs.read_journal(digest)
        if journal is None or set(journal.outcomes.values()) != {Outcome.BATCHING}:
            continue
        plan = engine.store.runs.read_plan(journal.run_id)
        rest = plan.steps[min(step for step, _ in journal.outcomes) - 1 :]
        if intent_digest(rest) == draft.intent_digest:
            return plan
    return None


def new_identity(project: str, environment: str, engine: Engine, author: Author) -> Identity:
    """An identity for this database, here and under its present name."""
    evidence = encode_evidence(engine.server.evidence)
    return Identity(author.new_id(), project, environment, evidence)


@contextmanager
def _noting() -> Iterator[None]:
    """A refusal of what lockgate writes before it runs anything, as an error for people."""
    try:
        yield
    except ServerError as refused:
        raise StatementFailed(
            f"The run could not be noted in lockgate's tables: {refused}.",
            why="Nothing of the plan was run.",
            do=advice(refused, "Give the role the right to create and to write them."),
        ) from refused


def _run_units(run: Run, engine: Engine, done: int, journal: Journal | None, emit: Emit) -> None:
    for place, unit in enumerate(run.plan.units(done)):
        serial = run.plan.base.serial + unit.first - 1
        try:
            if place:  # the first follows the lock at once
                engine.lock.prove()
            engine.units.run(run, unit, serial, journal if place == 0 else None, emit)
        except StepFailed as failed:
            raise _stopped(run, engine, unit, failed) from failed
        except NotReached as ended:
            raise _not_reached(run, engine, ended) from ended
        except Paused as paused:
            _note_end(run, engine, RunStatus.PAUSED, paused.what, paused)
            raise
        except Interrupted as interrupted:
            if error := _interrupted(run, engine, unit, interrupted):
                raise error from interrupted
        except (Unreachable, ServerError) as error:
            told = cut_off(run.plan, unit, error)
            if engine.server.dialect.transactional_ddl:
                _note_cut(run, engine, unit, told)
            raise told from error


def _stopped(run: Run, engine: Engine, unit: Unit, failed: StepFailed) -> LockgateError:
    """The error for a refused statement, by what of the plan is kept; notes it in the run."""
    error: LockgateError
    if unit.batches and (kept := _end_batches(run, engine, unit)):
        status, error = RunStatus.PAUSED, batches_kept(failed, kept)
    elif failed.kept or failed.unsure:
        status = RunStatus.STUCK
        error = half_done(failed) if unit.transaction is None else in_doubt(failed)
    elif unit.first > 1:
        status, error = RunStatus.STOPPED, partly_applied(run.plan, unit, failed)
    else:
        status, error = RunStatus.ROLLED_BACK, all_undone(run.plan, failed)
    _note_end(run, engine, status, f"{failed.failure} {failed.left}".rstrip(), error)
    return error


def _end_batches(run: Run, engine: Engine, unit: Unit) -> int:
    """How many batches of a step that has stopped are kept; without one its journal goes."""
    from lockgate.executors.batches.progress import read_progress

    progress = read_progress(engine.store, (run.id, unit.first, 1))
    if not progress or not progress.batches:
        engine.store.write((FORGET_STEP, (run.id, unit.first)))
        return 0
    return progress.batches


def _not_reached(run: Run, engine: Engine, ended: NotReached) -> LockgateError:
    error = not_reached(ended)
    _note_end(run, engine, RunStatus.PAUSED, error.what, error)
    return error


def _note_end(run: Run, engine: Engine, status: RunStatus, text: str, error: LockgateError) -> None:
    """Writes down how a run ended; where that fails, what is to be told stays the same."""
    try:
        engine.store.finish_run(run.id, status, text)
    except (Unreachable, ServerError, Interrupted) as hindered:
        error.add_note(f"The run's end could not be noted: {hindered}")


def _note_cut(run: Run, engine: Engine, unit: Unit, error: LockgateError) -> None:
    """Notes how a run ended whose connection was lost, if the server is there again soon: by what
    it holds, under the lock. Else the next run notes that this one is dead."""

    def retaken() -> bool:
        with suppress(Unreachable):
            return engine.lock.retake()
        return False

    try:
        if not poll(retaken, CUT_WAIT, lambda waited: None):
            return
        if engine.store.runs.read_status(run.id) not in UNDER_WAY:
            return
        ended = RunStatus.STOPPED if unit.first > 1 else RunStatus.ROLLED_BACK
        status = RunStatus.STUCK if engine.store.runs.read_journal(run.plan.digest) else ended
        engine.store.finish_run(run.id, status, error.what)
    except (LockgateError, ServerError) as hindered:
        error.add_note(f"The run's end could not be noted: {hindered}")
        return
    if status is RunStatus.ROLLED_BACK and isinstance(error, Unreachable):
        error.add_note("All that this plan had done was undone. Run the same command again.")


def _interrupted(
    run: Run, engine: Engine, unit: Unit, interrupted: Interrupted
) -> LockgateError | None:
    """The error for a signal, by what the database holds now that our session has ended.

    None when the signal came too late: the whole plan is applied. Others may have written since
    our lock was gone, so the run's own row decides, and the serial only between its bounds.
    """
    try:
        if engine.store.runs.read_status(run.id) in WHOLE:
            return None
        if unit.batches:
            _end_batches(run, engine, unit)
        ledger = engine.store.read_ledger()
        journal = engine.store.runs.read_journal(run.plan.digest)
    except (Unreachable, ServerError) as lost:
        return unknown_end(lost)
    before = unit.first - 1
    moved = ledger.serial - run.plan.base.serial
    done = moved if before <= moved <= before + len(unit.steps) else before
    if not journal and not done:
        error: LockgateError = Interrupted(interrupted.signal_number, UNDONE)
        _note_end(run, engine, RunStatus.ROLLED_BACK, "interrupted", error)
        return error
    unknown = journal is not None and not _is_told(run.plan, journal)
    error = interrupted_after(
        done, len(run.plan.steps), half_done=journal is not None, unknown=unknown
    )
    status = RunStatus.STUCK if journal else RunStatus.STOPPED
    _note_end(run, engine, status, "interrupted", error)
    return error


def _is_told(plan: Plan, journal: Journal) -> bool:
    """Whether the database tells of each statement that was begun if it has happened."""
    begun = (place for place, outcome in journal.outcomes.items() if outcome is Outcome.BEGUN)
    readings = [plan.steps[step - 1].statements[place - 1].reading for step, place in begun]
    return all(reading is not None and reading.is_told for reading in readings)
