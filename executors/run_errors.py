"""The errors of runs that did not end well: what is kept, why, and what to do next.

Decides nothing: `apply` and the engines know how a run ended, and say it with these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lockgate.executors.failure import NotReached, ServerError, StepFailed
from lockgate.planner.database.catalogue import ROWS_OF_KEY, ROWS_OF_TABLE
from lockgate.planner.errors import (
    Interrupted,
    LockgateError,
    StalePlan,
    StatementFailed,
    Unresolved,
)
from lockgate.planner.guarantees.kept import kept_by

if TYPE_CHECKING:
    from lockgate.planner.database.catalogue import ObjectDifference
    from lockgate.planner.plan.plan import Plan, Step, Unit

SHOWN = 12  # differences; the rest are counted
LOOK = (
    "Look whether it happened, finish or undo the migration by hand, and settle it with "
    "`migrate resolve`."
)
CAUSES = (
    (
        ROWS_OF_TABLE,
        "Undoing has lost rows; or another session has written them, and was seen at nothing "
        "else: while the statement ran, or while it was undone.",
    ),
    (
        ROWS_OF_KEY,
        "Other sessions have written meanwhile what the foreign key refuses, and it was made "
        "again, or rows were put back, without asking for each row's parent.",
    ),
)
"""Why what no catalogue tells is not as before."""
COMMITTING = "2D000"  # https://www.postgresql.org/docs/current/plpgsql-transactions.html
COMMITS_INSIDE = (
    "The code that it runs ends the transaction, which lockgate has begun. Move the CALL or the DO "
    "to a migration whose sections say `transaction:false`. Within a function that does not help: "
    "no function can run a procedure that commits, so call the procedure itself."
)


def applied_by_another(plan: Plan, done: int) -> StalePlan:
    """The versions of the plan's first steps are in the history, but this plan did not run them:
    of templates, or of sections cut differently, the SQL may have been another."""
    return StalePlan(
        f"The first {done} of the plan's {len(plan.steps)} steps are in the history, and another "
        "plan has put them there.",
        why="What it ran need not be what was reviewed here.",
        do="Make a new plan with `migrate plan`, and have it reviewed.",
    )


def interrupted_after(done: int, total: int, *, half_done: bool, unknown: bool) -> Unresolved:
    """A signal came when part of the plan was kept."""
    kept = ["These are kept and recorded"] if done else []
    rest = "the next one is half done" if half_done else "all since then was undone"
    why = "; ".join([*kept, rest])
    again = "Apply the same plan again: it goes on where it stopped."
    others = " `migrate resolve` shows what is half done, and the other ways out."
    return Unresolved(
        f"Interrupted after {done} of {total} steps.",
        why=f"{why[0].upper()}{why[1:]}.",
        do=LOOK if unknown else again + others * half_done,
    )


def cut_off(plan: Plan, unit: Unit, error: Exception) -> LockgateError:
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


def rows_of_others(written: Sequence[str]) -> str:
    """What else is to be said where all was undone, but other sessions have written to these tables
    meanwhile; empty if there are none.

    >>> rows_of_others(["users"])[:52]
    'The rows of users are not those from before: other s'
    """
    if not written:
        return ""
    return (
        f"The rows of {', '.join(written)} are not those from before: other sessions have written "
        "there meanwhile, as far as can be told."
    )


def all_undone(plan: Plan, failed: StepFailed) -> StatementFailed:
    others = rows_of_others(failed.written)
    kept = kept_by(plan, failed.failure.number, failed.failure.place)
    if kept:
        others = f"{others} No ROLLBACK takes back that {'; that '.join(kept)}.".lstrip()
    return StatementFailed(
        f"Step {failed.failure.number} of {len(plan.steps)} failed: {failed.failure}",
        why=f"All that this plan had done was undone. {others}"
        if others
        else "All that this plan had done was undone; the database is as it was before.",
        do=COMMITS_INSIDE
        if failed.failure.error.code == COMMITTING
        else "Remove the cause and run the same command again, or correct the migration and make "
        "a new plan.",
        failure=failed.failure,
    )


def partly_applied(plan: Plan, unit: Unit, failed: StepFailed) -> Unresolved:
    kept = ", ".join(step.version for step in plan.steps[: unit.first - 1])
    return Unresolved(
        f"Step {failed.failure.number} of {len(plan.steps)} failed: {failed.failure}",
        why=f"Applied and recorded before it, and kept: {kept}. "
        "All since then was undone; the history is exact.",
        do=COMMITS_INSIDE
        if failed.failure.error.code == COMMITTING
        else "Remove the cause and apply the same plan again: it continues after what is kept. "
        "Or correct the migration and make a new plan.",
        failure=failed.failure,
    )


def half_done(failed: StepFailed) -> Unresolved:
    failure = failed.failure
    statements = failure.step.statements
    total = len(statements)
    kept = ", ".join(str(place) for place in failed.kept)
    rest = ", ".join(
        str(place)
        for place, one in enumerate(statements, 1)
        if place not in failed.kept and not one.is_idle
    )
    doubt = f" Statement {failure.place} itself may have done part of its work." * failed.unsure
    doubt = f" {failed.left}" if failed.left else doubt
    rest_too = " and what is left," * bool(failed.left)
    can_tell = not failed.unsure or (failed.left and failure.can_run_again)
    return Unresolved(
        f"Migration {failure.step.version} is half done: {failure}",
        why=f"Of its {total} statement{'s' * (total != 1)} these are done and kept: "
        f"{kept or 'none'}; not done: {rest or 'only its row in the history'}.{doubt}",
        do=f"Remove the cause{rest_too} and apply the same plan again: it goes on where it "
        "stopped. `migrate resolve` shows what is half done, and the other ways out."
        if can_tell
        else LOOK,
        failure=failure,
    )


def batches_kept(failed: StepFailed, batches: int) -> Unresolved:
    """A batch was refused, when others before it were done."""
    failure = failed.failure
    return Unresolved(
        f"Migration {failure.step.version} stopped in batch {batches + 1}: {failure}",
        why=f"That batch was undone; {batches} before it are kept, and the ledger says where they "
        "end.",
        do="Remove the cause and apply the same plan again: it goes on there. `migrate resolve` "
        "shows the other ways out.",
        failure=failure,
    )


def not_reached(ended: NotReached) -> Unresolved:
    """Every key was passed, and what a step's `until` says does not hold."""
    return Unresolved(
        f"All batches of {ended.step.file} have run ({ended.batches}), and its `until` does not "
        f"hold: {ended.condition}",
        why="The last walk along the key changed no row, so another would not either: rows come in "
        "that the statement passes over.",
        do="Look for the rows that break it, and for what writes them. Then apply the same plan "
        "again: it walks once more. `migrate resolve` shows the other ways out.",
    )


def weaker(reasons: Iterable[str]) -> StalePlan:
    """By what the database is now, a plan would risk more than its review says."""
    listed = "\n".join(f"- {reason}" for reason in reasons)
    return StalePlan(
        f"The plan promises more than it could keep now:\n{listed}",
        why="The tables are not as they were when it was made, and it was reviewed for these.",
        do="Make a new plan with `migrate plan`, and have it reviewed.",
    )


def not_restored(left: Iterable[ObjectDifference]) -> Unresolved:
    """Every statement was undone, and yet the database is not as it was before the run."""
    found = list(left)
    shown = [
        f"- {each.object}: {each.lines[0] if ROWS_OF_KEY in each.object else each.change}"
        for each in found
    ]
    why = next((why for kind, why in CAUSES if any(kind in each.object for each in found)), "")
    more = [f"- and {len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return Unresolved(
        "The plan was undone, and the database is not as it was before:\n"
        + "\n".join(shown[:SHOWN] + more),
        why=why
        or "Another session has changed the schema meanwhile, or a definition could not be made "
        "again exactly.",
        do="Mend it by hand and run `migrate resolve --undo --reason TEXT`, which looks again; "
        "or accept it as it is with `migrate resolve --mark-rolled-back VERSION --reason TEXT`.",
    )


def not_undone(error: StepFailed | ServerError) -> Unresolved:
    """The server refuses to undo a statement, or what comes after that."""
    refused = f" to undo {error}" if isinstance(error, StepFailed) else f": {error}"
    return Unresolved(
        f"The plan could not be fully undone. The server refused{refused}.",
        why="What is left of it is in the journal, with what it was before.",
        do="Remove the cause, then `migrate resolve --undo --reason TEXT` goes on undoing; "
        "`migrate resolve` shows what is left, and the other ways out.",
    )


def not_asked(lost: LockgateError | ServerError) -> Unresolved:
    """A run stopped, and this process could not undo it: it has no session or no lock."""
    what = lost.what if isinstance(lost, LockgateError) else f"The server refused: {lost}."
    return Unresolved(
        f"The run stopped half-way, and could not be undone at once. {what}",
        why="Everything that it has done is in the journal, with what it was before.",
        do="Run the same command again: it undoes that first. Or undo it with "
        "`migrate resolve --undo --reason TEXT`.",
    )


def ended_by_another(reason: Exception) -> Unresolved:
    """While this process had no session, another executor has ended its run."""
    what = reason.what if isinstance(reason, LockgateError) else str(reason)
    return Unresolved(
        f"{what} Meanwhile another run has undone or finished this one.",
        why="Anyone who has the lock looks first at what an interrupted run has left.",
        do="See `migrate status` and `migrate history`, and run the same command again if needed.",
    )


def no_way_back(step: Step, place: int) -> Unresolved:
    """A run that is to be undone has begun what nothing undoes."""
    return Unresolved(
        f"{step.file}:{step.statements[place - 1].line}: statement {place} is the plan's point of "
        "no return, and it was begun.",
        why="Nothing that lockgate has noted undoes it.",
        do="Finish the run with `migrate resolve --finish --reason TEXT`, or undo that statement "
        "by hand and say so with `--mark-rolled-back`.",
    )


def refused_to_finish(failed: StepFailed) -> Unresolved:
    """A run that was to be finished met a statement that the server refuses."""
    return Unresolved(
        f"The run could not be finished: {failed.failure}",
        why="Nothing was undone.",
        do="Remove the cause and run `migrate resolve --finish --reason TEXT` again, or go back "
        "with `migrate resolve --undo --reason TEXT`.",
        failure=failed.failure,
    )


def not_finished(reason: LockgateError) -> Unresolved:
    """A signal stopped the finishing of a run, or the connection or the lock was lost in it."""
    what = "It was interrupted." if isinstance(reason, Interrupted) else reason.what
    return Unresolved(
        f"The run could not be finished. {what}",
        why="Nothing was undone: what is done is kept, and is in the journal.",
        do="Run the same command again: it looks first at what is done, and runs the rest.",
    )


def in_doubt(failed: StepFailed) -> Unresolved:
    """A unit that is kept or undone as a whole stopped at its point of no return."""
    failure = failed.failure
    done = "the statements before it are done and kept, and its steps are not in the history"
    doubt = " It is not known whether this statement has done a part of its work." * failed.unsure
    return Unresolved(
        f"The plan stopped at its point of no return: {failure}",
        why=f"Nothing undoes that statement, so {done}.{doubt}",
        do="Look whether it happened. Then finish the run with `migrate resolve --finish`, or "
        "mend it by hand and say how it ended; `migrate resolve` shows what is done.",
        failure=failure,
    )


def unknown_statement(step: Step, place: int, left: str = "") -> Unresolved:
    """`left` is what may be of it, as a sentence."""
    return Unresolved(
        f"{step.file}:{step.statements[place - 1].line}: statement {place} was begun by a run "
        "that ended before it could say whether it happened.",
        why=left or "Running it again could do it twice.",
        do=LOOK,
    )


def gone_state(step: Step, place: int, reason: str) -> Unresolved:
    """A step cannot go on: what a statement that is done had set ended with its session."""
    return Unresolved(
        f"{step.file}:{step.statements[place - 1].line}: what statement {place} has left in its "
        f"session cannot be restored: {reason}.",
        why="The statements after it could mean something else without it.",
        do="Finish or undo the migration by hand and settle it with `migrate resolve`.",
    )


def half_unlocked(lost: LockgateError, step: Step, places: Iterable[int]) -> Unresolved:
    """The migration lock was lost in a step of which these statements are kept."""
    return Unresolved(
        f"{lost.what} Migration {step.version} is half done.",
        why=f"Of its {len(step.statements)} statements these were begun and are kept: "
        f"{', '.join(map(str, places))}. What was not yet committed was undone.",
        do="See `migrate status`, and run again: it goes on where it stopped.",
    )


def unknown_end(lost: Exception) -> Unresolved:
    """The error of a signal after which the server could not be seen to undo what had run."""
    return Unresolved(
        f"Interrupted, and the server was not seen to end the session: "
        f"{lost.what if isinstance(lost, LockgateError) else lost}",
        why="It undoes what was not committed as soon as it sees that we have left.",
        do="See `migrate status`, and run the same command again: it looks first.",
    )


def unknown_outcome(lost: LockgateError, hindered: str) -> Unresolved:
    """The error of a connection that was lost between COMMIT and its answer, when the server
    could not be asked what it has kept; `hindered` says why."""
    return Unresolved(
        f"COMMIT was sent, but the connection was lost before the server answered: {lost.what}",
        why="The server has kept all of the transaction or nothing of it, and which could not "
        f"be seen: {hindered}",
        do="See `migrate status`, and run the same command again: it looks first, and does "
        "only what was not done.",
    )
