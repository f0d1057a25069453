"""Settling of runs that stopped half-way: a person undoes, finishes, or says how one ended.

Looks first: `read_half_done` says what the journal knows. Nothing here settles by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockgate.executors.apply import Author, apply_locked
from lockgate.executors.engine import Engine, Journal, Run
from lockgate.executors.events import Emit, RunStarted
from lockgate.executors.ledger.store import NOTE_RUN
from lockgate.executors.receipts import keep_schema
from lockgate.executors.states import Outcome, RunStatus
from lockgate.planner.errors import UsageError
from lockgate.planner.value import frozen
from lockgate.planner.versions import version_key

if TYPE_CHECKING:
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.plan.plan import Plan, Step, Unit

DONE, UNKNOWN, UNDONE, UNDOING = "done", "unknown", "undone", "undoing"
BATCHING = "in part"
STATES = {
    Outcome.DONE: DONE,
    Outcome.UNDONE: UNDONE,
    Outcome.UNDOING: UNDOING,
    Outcome.BATCHING: BATCHING,
}


@frozen
class HalfDone:
    """The unit in which a run stopped: what the journal knows of its statements.

    `states` are of those that were begun, by the number of the step and of the statement:
    done and kept, of unknown outcome, undone, or half undone. `compensated` says that lockgate can
    undo it. `error` is why the run could not go on; empty when it died without a word. `written`
    are tables in which other sessions have written before it was undone; `left` are lines of what
    it has put aside and a person has to remove.
    """

    run: Run
    status: str
    error: str
    unit: Unit
    states: Mapping[tuple[int, int], str]
    compensated: bool
    written: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def plan(self) -> Plan:
        """The plan that the run applied."""
        return self.run.plan

    @property
    def is_stuck(self) -> bool:
        """Whether the run said itself that it could not go on."""
        return self.status == RunStatus.STUCK

    @property
    def serial(self) -> int:
        """The ledger's serial before the unit's first step."""
        return self.plan.base.serial + self.unit.first - 1

    @property
    def unknown(self) -> bool:
        """Whether no note and no look at the database tells if a statement has happened."""
        return any(
            state == UNKNOWN and not self._settles(*place) for place, state in self.states.items()
        )

    @property
    def can_finish(self) -> bool:
        """Whether what is missing may be run: not where a statement is half undone."""
        return UNDOING not in self.states.values()

    def _settles(self, number: int, place: int) -> bool:
        reading = self.unit.steps[number - self.unit.first].statements[place - 1].reading
        return reading is not None and reading.settles

    def state(self, number: int, place: int) -> str:
        """How far a statement has come, for people."""
        return self.states.get((number, place), "not done")


def read_half_done(engine: Engine, ledger: Ledger) -> tuple[HalfDone, ...]:
    """The unit in which each run stopped half-way; at most one a run."""
    found = []
    for digest in ledger.unresolved:
        journal = engine.store.runs.read_journal(digest)
        if journal:
            found.append(_half_done(engine, journal))
    return tuple(found)


def _half_done(engine: Engine, journal: Journal) -> HalfDone:
    plan = engine.store.runs.read_plan(journal.run_id)
    past = engine.store.runs.read_run(journal.run_id)
    number = journal.compensated or max(step for step, _ in journal.outcomes)
    states = {
        key: STATES.get(outcome, UNKNOWN) for key, outcome in journal.outcomes.items() if key[1]
    }
    return HalfDone(
        run=Run(journal.run_id, plan, "", ""),
        status=past.status,
        error=past.error,
        unit=plan.units(number - 1)[0],
        states={key: state for key, state in states.items() if key[0] >= number},
        compensated=bool(journal.compensated),
    )


def undo(engine: Engine, ledger: Ledger, note: str, emit: Emit) -> HalfDone:
    """Undoes the run that stopped half-way, all of it or nothing; the caller holds the lock.

    Raises:
        UsageError: there is none, or its statements were to be kept one by one.
        Unresolved: it could not be fully undone.
    """
    half = _only(engine, ledger)
    if half.unit.copies:
        return _undo_copy(engine, ledger, half, note)
    if not half.compensated:
        raise UsageError(
            f"The statements of {half.unit.steps[0].file} are kept one by one, and lockgate has "
            "no inverse of them.",
            do="Apply the same plan again (`migrate resolve --finish`), or undo it by hand and "
            "say so with `--mark-rolled-back`.",
        )
    written = engine.units.undo(half.run, half.unit, emit)
    if status := engine.store.runs.read_status(half.run.id):
        engine.store.finish_run(half.run.id, status, note)
    return replace(half, written=written)


def _undo_copy(engine: Engine, ledger: Ledger, half: HalfDone, note: str) -> HalfDone:
    """Removes what a program has left beside a table that is as it was."""
    (step,) = half.unit.steps
    if engine.units.tidy(half.run, half.unit):
        raise UsageError(
            f"The copy has taken the place of the table of {step.file}, so it cannot be undone.",
            do="Finish it with `migrate resolve --finish`, then roll it back.",
        )
    _record(engine, ledger, (step,), 0, applied=step.direction == "down")
    engine.store.settle_run(half.run.id, note)
    return half


def finish(engine: Engine, ledger: Ledger, author: Author, note: str, emit: Emit) -> HalfDone:
    """Runs what the run that stopped half-way has not done; the caller holds the lock.

    Raises:
        UsageError: there is none, or undoing it was begun, and stopped within a statement.
        Unresolved, StatementFailed: it could not be finished.
    """
    half = _only(engine, ledger)
    if not half.can_finish:
        raise UsageError(
            "Undoing this run was begun, and one of its statements is half undone.",
            do="Undo the rest of it with `migrate resolve --undo --reason TEXT`.",
        )
    if half.unit.copies:
        engine.units.tidy(half.run, half.unit)
    if half.compensated:
        emit(RunStarted(half.plan, half.unit.first - 1))
        engine.units.finish(half.run, half.unit, half.serial, emit)
    ledger = engine.store.read_ledger()
    apply_locked(half.plan, engine, ledger, author, emit, keep=keep_schema)
    engine.store.write((NOTE_RUN, (note, half.run.id)))
    return half


def mark(
    engine: Engine, ledger: Ledger, version: str, *, applied: bool, reason: str, emit: Emit
) -> HalfDone:
    """Notes that a half-done migration now is applied, or is not, and forgets its journal.

    Those of its unit that run before it count as run, and those after it as not. The caller
    holds the lock. A crash between the writes is mended by settling again.

    Raises:
        UsageError: no run stopped half-way through this version.
    """
    for half in read_half_done(engine, ledger):
        numbers = [step.key for step in half.unit.steps]
        if version_key(version) in numbers:
            break
    else:
        raise UsageError(f"No run stopped half-way through {version}.", do="See `migrate resolve`.")
    _record(engine, ledger, half.unit.steps, numbers.index(version_key(version)), applied=applied)
    if applied == (half.unit.steps[0].direction == "up"):
        engine.units.accept(half.run.id, reason, emit)
        return half
    return replace(half, left=engine.units.give_up(half.run, half.unit, reason))


def _record(
    engine: Engine, ledger: Ledger, steps: tuple[Step, ...], settled: int, *, applied: bool
) -> None:
    """Brings the history to what the steps up to the settled one have made of it."""
    recorded = {entry.key: entry.checksum for entry in ledger.entries}
    serial = ledger.serial
    for place, step in enumerate(steps):
        up = step.direction == "up"
        wanted = applied if place == settled else up == (place < settled)
        if (recorded.get(step.key) == step.checksum) == wanted:
            continue
        engine.store.record_migration(_settled(step, wanted), serial)
        serial += 1


def _settled(step: Step, wanted: bool) -> Step:
    """The step that records what is wanted; of a repeatable one that is not, the row that it has
    replaced comes back."""
    if step.replaces is not None and not wanted:
        return step.model_copy(update={"checksum": step.replaces, "replaces": step.checksum})
    return step.model_copy(update={"direction": "up" if wanted else "down"})


def _only(engine: Engine, ledger: Ledger) -> HalfDone:
    for half in read_half_done(engine, ledger):
        return half
    raise UsageError("No run stopped half-way.", do="See `migrate status`.")
