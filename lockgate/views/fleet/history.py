"""The runs of a fleet, the newest first: for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from lockgate.views.json import show_document
from lockgate.views.terminal import say_table, spell_time, zone

if TYPE_CHECKING:
    from lockgate.executors.fleet.coordinator import NotedRun

    Counted = tuple[NotedRun, Mapping[str, int]]


def show_text(runs: Iterable[Counted]) -> None:
    """When each run began, how far it is, how many targets ended how, and by whom, on stdout."""
    found = list(runs)
    head = (f"started ({zone()})", "state", "wave", "targets", "plan", "who (a claim)", "why")
    rows = [
        (spell_time(run.started_at.isoformat()), run.state, str(run.wave), spell_counts(counts),
         run.digest[:16], run.actor, run.reason)
        for run, counts in found
    ]  # fmt: skip
    say_table(head, rows, ["yellow" if run.state == "paused" else "" for run, _ in found])


def spell_counts(counts: Mapping[str, int]) -> str:
    """How many targets are in which state.

    >>> spell_counts({"applied": 1200, "failed": 1})
    '1,200 applied, 1 failed'
    """
    return ", ".join(f"{number:,} {state}" for state, number in counts.items())


def show_json(runs: Iterable[Counted]) -> None:
    """The same as one document on stdout."""
    show_document(
        {
            "format": "lockgate-fleet-history",
            "format_version": "1.0",
            "runs": [
                {
                    "plan_digest": run.digest,
                    "state": run.state,
                    "wave": run.wave,
                    "actor": run.actor,
                    "approvers": list(run.approvers),
                    "started_at": run.started_at.isoformat(),
                    "finished_at": run.finished_at and run.finished_at.isoformat(),
                    "reason": run.reason,
                    "targets": dict(counts),
                }
                for run, counts in runs
            ],
        }
    )
