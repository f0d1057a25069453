"""Settling of a run that stopped half-way through a migration: a person says how it ended.

Looks first: `read_half_done` says what the journal knows; `settle` writes down the decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from executors.engine import Engine, Journal
from planner.errors import UsageError
from planner.ledger import Ledger
from planner.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class HalfDone:
    """A migration that is neither applied nor not: what the journal knows of its statements.

    `done` happened and are kept; `unknown` were begun, and their outcome was never noted.
    """

    run_id: str
    plan: Plan
    step: Step
    done: tuple[int, ...]
    unknown: tuple[int, ...]


def read_half_done(engine: Engine, ledger: Ledger) -> tuple[HalfDone, ...]:
    """Each migration that a run left half done; at most one a run."""
    found = []
    for digest in ledger.unresolved:
        journal = engine.read_journal(digest)
        if journal:
            found.append(_half_done(engine.read_plan(journal.run_id), journal))
    return tuple(found)


def _half_done(plan: Plan, journal: Journal) -> HalfDone:
    number = max(step for step, _ in journal.outcomes)
    places = {
        place: outcome for (step, place), outcome in journal.outcomes.items() if step == number
    }
    return HalfDone(
        run_id=journal.run_id,
        plan=plan,
        step=plan.steps[number - 1],
        done=tuple(sorted(place for place, outcome in places.items() if outcome == "done")),
        unknown=tuple(sorted(place for place, outcome in places.items() if outcome != "done")),
    )


def settle(engine: Engine, ledger: Ledger, version: str, *, applied: bool, reason: str) -> HalfDone:
    """Notes that a half-done migration now is applied, or is not, and forgets its journal.

    The caller holds the lock. A crash between the two writes is mended by settling again.

    Raises:
        UsageError: no run stopped half-way through this version.
    """
    for half in read_half_done(engine, ledger):
        if version.isdecimal() and int(half.step.version) == int(version):
            break
    else:
        raise UsageError(f"No run stopped half-way through {version}.", do="See `migrate resolve`.")
    recorded = any(entry.number == int(version) for entry in ledger.entries)
    direction = "up" if applied else "down"
    if recorded != applied:
        step = half.step.model_copy(update={"direction": direction})
        change = engine.record_migration if applied else engine.remove_migration_record
        change(step, ledger.serial)
    engine.settle_run(half.run_id, reason)
    return half
