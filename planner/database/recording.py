"""Runs that have only recorded: what of the history was entered and never run by lockgate.

Reads no database: a run's plan is handed in as the text that was noted with it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lockgate.planner.errors import HistoryError
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, version_key

if TYPE_CHECKING:
    from lockgate.planner.database.ledger import Ledger


LEFT = ("forget", "skip")
"""Why a migration is taken out of the history with nothing run."""


@frozen
class Recorded:
    """A migration that a run has recorded. `at` is the time that its plan gave; None: that of the
    run. `row` is what another tool's table calls it, where that is not its version. `is_entered` is
    False where it was taken out of the history."""

    key: VersionKey
    checksum: str
    at: datetime | None
    row: str = ""
    is_entered: bool = True


@frozen
class AdoptedTable:
    """Another tool's history that was taken over, and what it said then."""

    tool: str
    schema: str
    table: str
    versions: tuple[str, ...]


def renamed(table: str) -> str:
    """The name that `adopt --rename` gives to another tool's history."""
    return f"{table}_before_lockgate"


@frozen
class Recording:
    """A run that has recorded migrations and run nothing. Times are in UTC."""

    begun: datetime
    ended: datetime
    steps: tuple[Recorded, ...]
    adopted: AdoptedTable | None = None


def read_recording(begun: datetime, ended: datetime, text: str) -> Recording:
    """A run with what its plan has recorded.

    Raises:
        HistoryError: the text is no plan.
    """
    try:
        plan = json.loads(text)
        steps = tuple(_recorded(step) for step in plan["steps"])
        adopted = _adopted(plan.get("adopted"))
    except (ValueError, KeyError, TypeError) as error:
        raise HistoryError(
            f"The plan of the run of {begun:%Y-%m-%d %H:%M:%S} UTC cannot be read.",
            why="lockgate_runs was written to by somebody else.",
        ) from error
    return Recording(begun, ended, steps, adopted)


def adopted_tables(ledger: Ledger) -> tuple[AdoptedTable, ...]:
    """The histories that were taken over, each as it was the last time; the oldest run first."""
    newest = {(a.schema, a.table): a for r in ledger.recordings if (a := r.adopted)}
    return tuple(newest.values())


def recorded_keys(ledger: Ledger) -> frozenset[VersionKey]:
    """The versions of the history that were recorded, and not run since."""
    entries = {(entry.key, entry.checksum): entry.applied_at for entry in ledger.entries}
    return frozenset(
        step.key
        for recording in ledger.recordings
        for step in recording.steps
        if (at := entries.get((step.key, step.checksum))) is not None
        and _is_of(at, step, recording)
    )


def entered(ledger: Ledger) -> dict[VersionKey, Recorded]:
    """The versions that were recorded as applied, whatever has become of them since, each with what
    was recorded of it the last time."""
    newest = {step.key: step for one in ledger.recordings for step in one.steps}
    return {key: step for key, step in newest.items() if step.is_entered}


def rolled_back(ledger: Ledger) -> dict[VersionKey, Recorded]:
    """Those of them that were rolled back since by what they run."""
    present = {entry.key for entry in ledger.entries}
    return {key: step for key, step in entered(ledger).items() if key not in present}


def _is_of(at: datetime, step: Recorded, recording: Recording) -> bool:
    if step.at is not None:
        return at == step.at
    return recording.begun <= at <= recording.ended


def _recorded(step: dict[str, Any]) -> Recorded:
    at = step["record"]["applied_at"]
    moment = None if at is None else datetime.fromisoformat(at)
    row = str(step["record"].get("row", ""))
    is_entered = step["record"].get("why") not in LEFT
    return Recorded(version_key(step["version"]), step["checksum"], moment, row, is_entered)


def _adopted(told: dict[str, Any] | None) -> AdoptedTable | None:
    if told is None:
        return None
    versions = tuple(map(str, told["versions"]))
    return AdoptedTable(told["tool"], told["qualifier"], told["table"], versions)
