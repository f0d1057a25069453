"""The migrations of one environment and their states: for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lockgate.planner.versions import titled
from lockgate.views.json import show_document
from lockgate.views.terminal import say, say_sentence, say_table, spell_time, tell, zone

if TYPE_CHECKING:
    from lockgate.executors.batches.progress import Progress
    from lockgate.planner.building.compare import Standing
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.plan.plan import Step

STYLES = {"applied": "", "changed": "red", "missing": "red", "half done": "red"}


Batching = tuple["Step", "Progress"]


def show_text(
    standings: Iterable[Standing],
    ledger: Ledger,
    warnings: Iterable[str],
    batches: Sequence[Batching] = (),
) -> None:
    """Every migration and its state, and how far those in batches are, on stdout."""
    from lockgate.planner.building.compare import count_states  # the other views do without plans

    standings = tuple(standings)
    rows = [
        (
            each.version,
            each.name if each.name != each.version else "",
            _state(each),
            _applied_at(each),
        )
        for each in standings
    ]
    headers = ("version", "name", "state", f"applied at ({zone()})")
    say_table(headers, rows, [STYLES.get(each.state, "yellow") for each in standings])
    for step, progress in batches:
        say_sentence(f"{titled(step.version, step.name)}: {describe_progress(progress)}", "yellow")
    for warning in warnings:
        tell(f"Warning: {warning}", "yellow")
    say(count_states(standings))


def _state(standing: Standing) -> str:
    return f"{standing.state} (recorded)" if standing.recorded else standing.state


def _applied_at(standing: Standing) -> str:
    return spell_time(standing.entry.applied_at.isoformat()) if standing.entry else ""


def describe_progress(progress: Progress) -> str:
    """How far a statement in batches is: rows, rate, estimate, and what it waits for."""
    of = ""
    if progress.expected:
        percent = min(progress.walked / progress.expected, 1) * 100
        of = f" of about {progress.expected:,} ({percent:.0f} %)"
    told = [f"{progress.walked:,} rows{of}", f"batch {progress.batches}"]
    if progress.pass_number > 1:
        told.append(f"walk {progress.pass_number} along the key")
    if progress.rate:
        told.append(f"{progress.rate:,.0f} rows/s")
    if progress.remaining is not None:
        told.append(f"about {_spell_time(progress.remaining)} left")
    if progress.asked:
        told.append(f"paused by {progress.asked}")
    elif progress.state:
        told.append(progress.state)
    return ", ".join(told)


def _spell_time(seconds: float) -> str:
    """A length of time for people.

    >>> _spell_time(40), _spell_time(700), _spell_time(9000)
    ('40 s', '12 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def show_json(
    standings: Iterable[Standing],
    ledger: Ledger,
    warnings: Iterable[str],
    batches: Sequence[Batching] = (),
) -> None:
    """Every migration and its state, and how far those in batches are."""
    show_document(
        {
            "format": "lockgate-status",
            "format_version": "1.0",
            "serial": str(ledger.serial),
            "state_digest": ledger.digest,
            "unresolved": list(ledger.unresolved),
            "warnings": list(warnings),
            "migrations": [_migration(each) for each in standings],
            "batches": [_batching(step, progress) for step, progress in batches],
        }
    )


def _batching(step: Step, progress: Progress) -> dict[str, Any]:
    rate, left = progress.rate, progress.remaining
    return {
        "version": step.version,
        "rows": progress.walked,
        "expected": progress.expected,
        "changed": progress.changed,
        "batches": progress.batches,
        "walk": progress.pass_number,
        "rows_per_second": None if rate is None else round(rate, 1),
        "seconds_left": None if left is None else round(left, 1),
        "waits_for": progress.state,
        "paused_by": progress.asked,
        "began_at": progress.began_at.isoformat(),
        "noted_at": progress.noted_at.isoformat(),
    }


def _migration(standing: Standing) -> dict[str, Any]:
    entry = standing.entry
    return {
        "version": standing.version,
        "name": standing.name,
        "state": standing.state,
        "recorded": standing.recorded,
        "checksum": standing.checksum,
        "applied_checksum": entry.checksum if entry else None,
        "applied_at": entry.applied_at.isoformat() if entry else None,
    }
