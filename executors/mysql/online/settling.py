"""Whether a copy has taken its table's place, where the run that made it has ended before it could
say so; and the end of what is left of it.

A look decides: the definition of the table, beside what it was. What the program has left is never
removed unasked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.online.remains import (
    Remains,
    await_silence,
    find_remains,
    remove_remains,
)
from lockgate.executors.mysql.undo.unknown_outcomes import settle_outcomes
from lockgate.planner.errors import Unresolved

if TYPE_CHECKING:
    from lockgate.executors.engine import Run
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.plan.plan import Step, Unit
    from lockgate.planner.plan.statement import Online

TAKEN, NOTHING_DONE = "names are taken", "nothing was done"


def refuse_taken_names(session: MySQLSession, online: Online) -> None:
    """Raises ServerError where something has a name that the program would give: what it leaves
    could not be told from that."""
    if found := find_remains(session, online):
        raise ServerError(
            TAKEN,
            f"{online.tool} needs names that are taken by {found}",
            hint="Look where they are from. If an earlier copy has left them, drop the triggers "
            "first, then the tables.",
        )


def refuse_remains(engine: MySQL, run: Run, step: Step) -> None:
    """Raises Unresolved where the program of an interrupted run has left something."""
    online = _online(step)
    if found := _left(engine, online):
        raise engine.store.stuck(run, _needs_you(step, online, found))


def refuse_unchanged(engine: MySQL, run_id: str, number: int, step: Step) -> None:
    """Raises ServerError where a program says that it has done its work, and the table is as it
    was, or it has not cleared up."""
    online = _online(step)
    if found := find_remains(engine.session, online):
        raise ServerError(NOTHING_DONE, f"{online.tool} has ended well, and has left {found}")
    if not settle_outcomes(engine, run_id, number, step):
        raise ServerError(NOTHING_DONE, f"{online.tool} has ended well, and has changed nothing")


def settle_copy(engine: MySQL, run_id: str, number: int, step: Step) -> None:
    """Notes what became of a copy that has failed; where the program has left something, the intent
    stays, so that it has to be resolved."""
    if not _left(engine, _online(step)):
        settle_outcomes(engine, run_id, number, step)


def tidy(engine: MySQL, run: Run, unit: Unit) -> bool:
    """Removes what the program of an interrupted run has left; whether its copy has taken the
    table's place.

    Raises:
        Unresolved: the server still works on it, or that is not known.
    """
    (step,) = unit.steps
    online = _online(step)
    if not await_silence(engine.session, online):
        raise _at_work(step, online)
    if found := find_remains(engine.session, online):
        remove_remains(engine.session, found)
    outcomes = settle_outcomes(engine, run.id, unit.first, step)
    if None in outcomes.values():
        raise _unclear(step, online)
    return bool(outcomes)


def _left(engine: MySQL, online: Online) -> Remains:
    await_silence(engine.session, online)
    return find_remains(engine.session, online)


def _online(step: Step) -> Online:
    (statement,) = step.statements
    assert statement.online is not None, "the step is one of a copy"
    return statement.online


def _place(step: Step) -> str:
    return f"{step.file}:{step.statements[0].line}"


def _needs_you(step: Step, online: Online, found: Remains) -> Unresolved:
    return Unresolved(
        f"{_place(step)}: {online.tool} ended before its copy of {online.table.name} was complete, "
        f"or before it had cleared up: it has left {found}.",
        why="Only when nothing works on them any more may they go: triggers that are dropped too "
        "early lose rows.",
        do="See that no program works on the table, then `migrate resolve --finish` removes them "
        "and does what is missing, or `migrate resolve --undo` removes them if the table is as it "
        "was.",
    )


def _at_work(step: Step, online: Online) -> Unresolved:
    return Unresolved(
        f"{_place(step)}: the server still works on the copy of {online.table.name}.",
        why="What it has begun it ends, whether its program is there or not.",
        do="Wait for that, or end the session, and run the same command again.",
    )


def _unclear(step: Step, online: Online) -> Unresolved:
    return Unresolved(
        f"{_place(step)}: {online.table.name} is neither what it was nor what it was to become.",
        why="Something else has changed it too.",
        do="Compare it with the file, and say with `migrate resolve --mark-applied` or "
        "`--mark-rolled-back` which of the two it is.",
    )
