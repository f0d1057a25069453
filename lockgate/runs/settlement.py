"""`migrate resolve`: looking at half-done runs, and settling one under the lock."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lockgate.executors.events import Emit
from lockgate.executors.resolve import HalfDone, finish, mark, read_half_done, undo
from lockgate.executors.run_errors import rows_of_others
from lockgate.exits import Exit
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.planfile import write_plan
from lockgate.planner.plan.verify import refuse_foreign, refuse_read_only
from lockgate.planner.value import frozen
from lockgate.planner.versions import titled, version_key
from lockgate.signals import ignore_signals
from lockgate.views.run import half_done as view
from lockgate.views.run.following import following
from lockgate.views.terminal import say, tell
from lockgate.workspace import Workspace, author, read_settled

ALL = "all"
WayOut = Literal["undo", "finish", "applied", "rolled back"]
NOTED: dict[WayOut, str] = {
    "undo": "undone",
    "finish": "finished",
    "applied": "settled",
    "rolled back": "settled",
}


@frozen
class Settlement:
    """How a person wants a half-done run to end; to undo or finish it, `version` is ALL."""

    way: WayOut
    version: str
    reason: str

    @classmethod
    def read(
        cls, way: str | None, applied: str | None, rolled_back: str | None, reason: str | None
    ) -> Settlement | None:
        """What the options say; None when they only ask.

        Raises:
            UsageError: several ways, or no reason.
        """
        given: dict[WayOut, str | None] = {
            "undo": ALL if way == "undo" else None,
            "finish": ALL if way == "finish" else None,
            "applied": applied,
            "rolled back": rolled_back,
        }
        asked = [(each, version) for each, version in given.items() if version]
        if not asked:
            return None
        if len(asked) > 1:
            raise UsageError(
                "Give only one of --undo, --finish, --mark-applied and --mark-rolled-back."
            )
        if not reason:
            raise UsageError("Settling needs a reason.", do="Add --reason TEXT: it is recorded.")
        return cls(*asked[0], reason)


def show_half_done(work: Workspace, out: Path | None) -> Exit:
    """Shows what is half done, and writes its plan; changes nothing.

    Raises:
        Locked: its run is still under way.
    """
    half_done = read_half_done(work.engine, read_settled(work.engine))
    view.show_text(half_done)
    if out and half_done:
        write_plan(half_done[0].plan, out)
        tell(f"Written to {out}.")
    return Exit.UNRESOLVED if half_done else Exit.OK


def settle(work: Workspace, settlement: Settlement) -> Exit:
    """Settles the run under the lock, and says what became of it.

    Raises:
        LockgateError: it could not be settled so.
    """
    engine, environment = work.engine, work.environment
    with (
        following(verbose=False, as_json=False) as emit,
        engine.lock.hold(environment.lock.wait, emit),
    ):
        ledger = engine.store.read_ledger()
        refuse_read_only(engine.server)
        refuse_foreign(
            engine.server, ledger, project=environment.project, environment=environment.name
        )
        note = f"{NOTED[settlement.way]} by {author().actor} (a claim): {settlement.reason}"
        half = _settle(work, ledger, settlement, note, emit)
    say(_describe(half, settlement), "green")
    say(f"Noted in the history: {note}")
    return Exit.OK


def _settle(
    work: Workspace, ledger: Ledger, settlement: Settlement, note: str, emit: Emit
) -> HalfDone:
    if settlement.way == "undo":
        return undo(work.engine, ledger, note, emit)
    if settlement.way == "finish":
        return finish(work.engine, ledger, author(), note, emit)
    ignore_signals()
    applied = settlement.way == "applied"
    return mark(work.engine, ledger, settlement.version, applied=applied, reason=note, emit=emit)


def _describe(half: HalfDone, settlement: Settlement) -> str:
    steps = half.unit.steps
    listed = ", ".join(titled(step.version, step.name) for step in steps)
    match settlement.way:
        case "undo":
            others = rows_of_others(half.written)
            return f"Undone: {listed}. {others or 'The database is as it was before.'}"
        case "finish":
            return f"Finished: {listed}."
    chosen = next(step for step in steps if step.key == version_key(settlement.version))
    state = "applied" if settlement.way == "applied" else "not applied"
    told = f"Migration {titled(chosen.version, chosen.name)} is now recorded as {state}."
    return "\n".join((told, *half.left))
