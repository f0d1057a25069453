"""The states of a run and of a journaled statement: the one definition, with the allowed arrows.

Asks no database. `docs/concepts/states.svg` shows the arrows of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum


class RunStatus(StrEnum):
    """How far a run has come, as lockgate_runs has it."""

    LOCKED = "LOCKED"
    APPLYING = "APPLYING"
    COMMITTED = "COMMITTED"
    CLEANED = "CLEANED"
    COMPENSATING = "COMPENSATING"
    ROLLED_BACK = "ROLLED_BACK"
    STOPPED = "STOPPED"
    PAUSED = "PAUSED"
    STUCK = "STUCK"
    RESOLVED = "RESOLVED"


class Outcome(StrEnum):
    """What lockgate_journal says of a statement; the column of one that was BEGUN is null.

    BATCHING is one that runs in batches: lockgate_batches says how far.

    COMMITTED and COUNTED mean nothing half done: what a committed unit has dropped is still to be
    removed, and a transaction that was rolled back has moved counters.
    """

    BEGUN = ""
    BATCHING = "batching"
    COPIED = "copied"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    COMMITTED = "committed"
    COUNTED = "counted"

    @classmethod
    def _missing_(cls, value: object) -> Outcome:
        """What a later lockgate has noted: it is not known here whether the statement is done."""
        return cls.BEGUN


FIRST = frozenset({RunStatus.LOCKED, RunStatus.APPLYING})
"""What a run begins as: where a plan is one transaction, LOCKED and APPLYING are one moment."""

WHOLE = frozenset({RunStatus.COMMITTED, RunStatus.CLEANED})
"""All of the plan is kept."""

UNDER_WAY = FIRST
"""A run that has neither ended nor turned back; where no process works on it, that was killed."""

ARROWS: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.LOCKED: frozenset(
        {RunStatus.APPLYING, RunStatus.ROLLED_BACK, RunStatus.STOPPED},
    ),
    RunStatus.APPLYING: frozenset(
        {
            RunStatus.COMMITTED,
            RunStatus.COMPENSATING,
            RunStatus.ROLLED_BACK,
            RunStatus.STOPPED,
            RunStatus.PAUSED,
            RunStatus.STUCK,
            RunStatus.RESOLVED,
        }
    ),
    RunStatus.COMMITTED: frozenset({RunStatus.CLEANED}),
    RunStatus.CLEANED: frozenset(),
    RunStatus.COMPENSATING: frozenset(
        {
            RunStatus.APPLYING,
            RunStatus.COMMITTED,
            RunStatus.ROLLED_BACK,
            RunStatus.STOPPED,
            RunStatus.STUCK,
            RunStatus.RESOLVED,
        }
    ),
    RunStatus.ROLLED_BACK: frozenset(),
    RunStatus.STOPPED: frozenset(),
    RunStatus.PAUSED: frozenset({RunStatus.APPLYING, RunStatus.RESOLVED}),
    RunStatus.STUCK: frozenset(
        {RunStatus.APPLYING, RunStatus.COMPENSATING, RunStatus.COMMITTED, RunStatus.RESOLVED}
    ),
    RunStatus.RESOLVED: frozenset(),
}
"""What may follow each state of a run. A state may be written again, with another note."""

OUTCOME_ARROWS: Mapping[Outcome, frozenset[Outcome]] = {
    Outcome.BEGUN: frozenset(
        {Outcome.BATCHING, Outcome.COPIED, Outcome.DONE, Outcome.UNDONE, Outcome.COMMITTED}
    ),
    Outcome.BATCHING: frozenset(),
    Outcome.COPIED: frozenset({Outcome.DONE, Outcome.UNDONE, Outcome.COMMITTED}),
    Outcome.DONE: frozenset({Outcome.UNDOING, Outcome.UNDONE, Outcome.COMMITTED}),
    Outcome.UNDOING: frozenset({Outcome.UNDONE, Outcome.COMMITTED}),
    Outcome.UNDONE: frozenset({Outcome.COMMITTED}),
    Outcome.COMMITTED: frozenset(),
    Outcome.COUNTED: frozenset(),
}
"""What may follow each outcome; a row goes when its step is recorded, undone or settled."""

SETTLED = frozenset({Outcome.COMMITTED, Outcome.COUNTED})
"""Outcomes of rows that mean nothing half done."""

UNFINISHED = frozenset(status for status, following in ARROWS.items() if following) - WHOLE
"""States from which a run can still come to an end."""


def listed(states: Iterable[StrEnum]) -> str:
    """States as SQL's IN wants them, in the order of their definition.

    >>> listed(WHOLE)
    "('COMMITTED', 'CLEANED')"
    """
    chosen = set(states)
    members = [state for kind in (RunStatus, Outcome) for state in kind if state in chosen]
    return "({})".format(", ".join(f"'{state}'" for state in members))
