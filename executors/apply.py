"""Application of a plan: lock, verify, run and record; nothing here knows an engine.

The SQL comes from the plan alone. A crash at any place leaves the ledger exact: it changes
in the transaction that it tells of, and what is kept outside of one stands in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from executors.engine import Engine, Journal, Run
from executors.events import Emit, RunStarted
from executors.failure import ServerError, StepFailed
from planner.errors import Interrupted, LockgateError, StatementFailed, Unreachable, Unresolved
from planner.ledger import Identity, Ledger
from planner.plan import Plan, Step, Unit
from planner.verify import (
    encode_evidence,
    find_position,
    refuse_expired,
    refuse_foreign,
    refuse_read_only,
    refuse_unresolved,
    refuse_wrong_target,
)

UNDONE = "Interrupted. Everything that this run had done was undone."
LOOK = (
    "Look whether it happened, finish or undo the migration by hand, and settle it with "
    "`migrate resolve`."
)

Outcome = Literal["applied", "already applied", "nothing to do"]


@dataclass(frozen=True, slots=True)
class Author:
    """Who applies, with what; `new_id` makes a UUID that nobody has."""

    actor: str
    tool_version: str
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Report:
    """How an application ended well: the steps that this run applied, in order."""

    outcome: Outcome
    plan: Plan
    steps: tuple[Step, ...] = ()


def apply(plan: Plan, engine: Engine, author: Author, *, wait: float, emit: Emit) -> Report:
    """Applies a plan under the migration lock, waited for up to `wait` seconds.

    Raises:
        Locked, WrongTarget, StalePlan, ExpiredPlan: before anything was run.
        StatementFailed: a statement was refused, and all of this plan was undone.
        Unresolved: part of the plan is kept; says which part, and what to do.
    """
    with engine.lock(wait, emit):
        return apply_locked(plan, engine, engine.read_ledger(), author, emit)


def apply_locked(plan: Plan, engine: Engine, ledger: Ledger, author: Author, emit: Emit) -> Report:
    """`apply` by a caller that holds the lock and has just read the ledger."""
    done = verify(plan, engine, ledger)
    if done == len(plan.steps):
        return Report("already applied" if plan.steps else "nothing to do", plan)
    journal = engine.read_journal(plan.digest) if ledger.unresolved else None
    run = Run(author.new_id(), plan, author.actor, author.tool_version)
    if journal:
        journal = _settle_unknown(plan, engine, journal)
        run = Run(journal.run_id, plan, author.actor, author.tool_version)
        with _noting():
            engine.resume_run(run)
    else:
        identity = ledger.identity or new_identity(plan.project, plan.environment, engine, author)
        with _noting():
            engine.begin_run(run, identity)
    emit(RunStarted(plan, done))
    _run_units(run, engine, done, journal, emit)
    return Report("applied", plan, plan.steps[done:])


def verify(plan: Plan, engine: Engine, ledger: Ledger) -> int:
    """How many of the plan's steps the database already has; checks that it may be applied.

    A plan that was wholly applied is not held against other runs, and one that was begun is
    not held against its age: going on is the way out.
    """
    refuse_read_only(engine.server)
    refuse_wrong_target(plan, engine.server, ledger)
    refuse_foreign(engine.server, ledger, project=plan.project, environment=plan.environment)
    done = find_position(plan, ledger)
    if done < len(plan.steps):
        refuse_unresolved(ledger, plan)
    if not done and plan.steps and plan.digest not in ledger.unresolved:
        refuse_expired(plan, engine.server)
    return done


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
            do="Give the role the right to create and to write them.",
        ) from refused


def _run_units(run: Run, engine: Engine, done: int, journal: Journal | None, emit: Emit) -> None:
    for place, unit in enumerate(run.plan.units(done)):
        serial = run.plan.base.serial + unit.first - 1
        try:
            if place:  # the first follows the lock at once
                engine.prove_lock()
            engine.run_unit(run, unit, serial, journal if place == 0 else None, emit)
        except StepFailed as failed:
            raise _stopped(run, engine, unit, failed) from failed
        except Interrupted as interrupted:
            if error := _interrupted(run, engine, interrupted):
                raise error from interrupted
        except (Unreachable, ServerError) as error:
            raise _cut_off(run.plan, unit, error) from error


def _stopped(run: Run, engine: Engine, unit: Unit, failed: StepFailed) -> LockgateError:
    """The error for a refused statement, by what of the plan is kept; notes it in the run."""
    error: LockgateError
    if failed.kept or failed.unsure:
        status, error = "STUCK", _half_done(failed)
    elif unit.first > 1:
        status, error = "STOPPED", _partly_applied(run.plan, unit, failed)
    else:
        status, error = "ROLLED_BACK", _all_undone(run.plan, failed)
    try:
        engine.finish_run(run.id, status, str(failed.failure))
    except (Unreachable, ServerError) as refused:
        error.add_note(f"The run's end could not be noted: {refused}")
    return error


def _interrupted(run: Run, engine: Engine, interrupted: Interrupted) -> LockgateError | None:
    """The error for a signal, by what the database holds now that our session has ended.

    None when the signal came too late: the whole plan is applied.
    """
    plan, ledger = run.plan, engine.read_ledger()
    done = ledger.serial - plan.base.serial
    if done == len(plan.steps):
        return None
    journal = engine.read_journal(plan.digest) if plan.digest in ledger.unresolved else None
    if not journal and not done:
        engine.finish_run(run.id, "ROLLED_BACK", "interrupted")
        return Interrupted(interrupted.signal_number, UNDONE)
    engine.finish_run(run.id, "STUCK" if journal else "STOPPED", "interrupted")
    unknown = journal and any(outcome != "done" for outcome in journal.outcomes.values())
    return Unresolved(
        f"Interrupted after {done} of {len(plan.steps)} steps.",
        why="These are kept and recorded; " * bool(done)
        + ("the next one is half done." if journal else "all since then was undone."),
        do=LOOK if unknown else "Apply the same plan again: it goes on where it stopped.",
    )


def _cut_off(plan: Plan, unit: Unit, error: Exception) -> LockgateError:
    """The error for a connection that was lost in a unit, or for a refusal of what lockgate
    itself asked there; the server has rolled back what it could."""
    what = error.what if isinstance(error, LockgateError) else f"The server refused: {error}."
    if unit.first > 1 or unit.transaction is None:
        return Unresolved(
            f"Stopped at step {unit.first} of {len(plan.steps)}. {what}",
            why="The steps before it are kept and recorded"
            + (", and of this one what was done." if unit.transaction is None else "."),
            do="See `migrate status`, and apply the same plan again: it looks first.",
        )
    if isinstance(error, LockgateError):
        return error
    return StatementFailed(what, why="All that this plan had done was undone.")


def _all_undone(plan: Plan, failed: StepFailed) -> StatementFailed:
    return StatementFailed(
        f"Step {failed.failure.number} of {len(plan.steps)} failed: {failed.failure}",
        why="All that this plan had done was undone; the database is as it was before.",
        do="Remove the cause and apply the same plan again, or correct the migration and make "
        "a new plan.",
        failure=failed.failure,
    )


def _partly_applied(plan: Plan, unit: Unit, failed: StepFailed) -> Unresolved:
    kept = ", ".join(step.version for step in plan.steps[: unit.first - 1])
    return Unresolved(
        f"Step {failed.failure.number} of {len(plan.steps)} failed: {failed.failure}",
        why=f"Applied and recorded before it, and kept: {kept}. "
        "All since then was undone; the history is exact.",
        do="Remove the cause and apply the same plan again: it goes on behind what is kept. "
        "Or correct the migration and make a new plan.",
        failure=failed.failure,
    )


def _half_done(failed: StepFailed) -> Unresolved:
    failure = failed.failure
    total = len(failure.step.statements)
    kept = ", ".join(str(place) for place in failed.kept)
    rest = ", ".join(str(place) for place in range(1, total + 1) if place not in failed.kept)
    doubt = f" Statement {failure.place} itself may have done part of its work." * failed.unsure
    return Unresolved(
        f"Migration {failure.step.version} is half done: {failure}",
        why=f"Of its {total} statements these are done and kept: {kept or 'none'}; "
        f"not done: {rest or 'only its row in the history'}.{doubt}",
        do=LOOK
        if failed.unsure
        else "Remove the cause and apply the same plan again: it goes on where it stopped. "
        "`migrate resolve` shows what is half done, and the other ways out.",
        failure=failure,
    )


def _settle_unknown(plan: Plan, engine: Engine, journal: Journal) -> Journal:
    """The journal, with what can be found out of statements whose outcome was never noted.

    Raises:
        Unresolved: it cannot be found out of one.
    """
    outcomes = dict(journal.outcomes)
    for (number, place), outcome in sorted(journal.outcomes.items()):
        if outcome != "done":
            step = plan.steps[number - 1]
            done = engine.happened(step.statements[place - 1].sql)
            if done is None:
                raise _unknown_statement(step, place)
            engine.note_outcome(journal.run_id, number, place, done=done)
            outcomes[number, place] = "done" if done else ""
    return Journal(journal.run_id, outcomes)


def _unknown_statement(step: Step, place: int) -> Unresolved:
    return Unresolved(
        f"{step.file}:{step.statements[place - 1].line}: statement {place} was begun by a run "
        "that ended before it could say whether it happened.",
        why="Running it again could do it twice.",
        do=LOOK,
    )
