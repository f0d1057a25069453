"""`--dry-run`: the SQL that would run, after the checks that come before it."""

from __future__ import annotations

from lockgate.executors.apply import Admit, verify
from lockgate.executors.engine import Engine, Journal
from lockgate.executors.states import Outcome
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.plan import Plan
from lockgate.views.plan.sql import render_sql
from lockgate.views.terminal import say_sql, tell
from lockgate.workspace import read_settled


def refuse_both(*, dry_run: bool, as_json: bool) -> None:
    """Raises UsageError when SQL for a person and events for a program are wanted at once."""
    if dry_run and as_json:
        raise UsageError(
            "Give only one of --dry-run and --json.",
            why="A dry run prints SQL, and it is not JSON.",
            do="`migrate plan --json` prints what would run as JSON.",
        )


def show_dry_run(plan: Plan, engine: Engine, admit: Admit) -> None:
    """Prints what applying the plan now would run; takes no lock and writes nothing.

    Raises:
        LockgateError: applying it would be refused.
    """
    ledger = read_settled(engine)
    done, _ = verify(plan, engine, ledger, admit)
    count = len(plan.steps) - done
    if count:
        say_sql(render_sql(plan, done))
    journal = (
        engine.store.runs.read_journal(plan.digest) if plan.digest in ledger.unresolved else None
    )
    if journal:
        tell(_tell_interrupted(plan, journal))
    tell(f"Dry run: {count} migration{'' if count == 1 else 's'} would run; nothing was changed.")


def _tell_interrupted(plan: Plan, journal: Journal) -> str:
    """What becomes of an interrupted run of the plan before anything else runs."""
    if not journal.compensated:
        return _tell_kept(journal)
    unit, *_ = plan.units(journal.compensated - 1)
    statements = [statement for step in unit.steps for statement in step.statements]
    if any(statement.guarantee == "point-of-no-return" for statement in statements):
        return (
            "An interrupted run of this plan would be ended first: finished if it has passed its "
            "point of no return, and else undone."
        )
    return "An interrupted run of this plan would be undone first."


def _tell_kept(journal: Journal) -> str:
    """The same where statements are kept one by one."""
    step = max(number for number, _ in journal.outcomes)
    if Outcome.BATCHING in journal.outcomes.values():
        return (
            f"An interrupted run of this plan has done batches of step {step}, and goes on there."
        )
    done = [str(place) for (_, place), outcome in sorted(journal.outcomes.items()) if outcome]
    begun = [str(place) for (_, place), outcome in sorted(journal.outcomes.items()) if not outcome]
    kept = f" has done statement {', '.join(done)} of step {step}, not to be run again" * bool(done)
    doubt = f" had begun statement {', '.join(begun)}, which is looked for first" * bool(begun)
    return f"An interrupted run of this plan{kept}{' and' * bool(done and begun)}{doubt}."
