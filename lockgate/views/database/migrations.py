"""The migrations of one environment and where they stand: for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lockgate.views.json import show_document
from lockgate.views.terminal import say, say_table, spell_time, tell, zone

if TYPE_CHECKING:
    from lockgate.planner.building.compare import Standing
    from lockgate.planner.database.ledger import Ledger

STYLES = {"applied": "", "changed": "red", "missing": "red", "half done": "red"}


def show_text(standings: Iterable[Standing], ledger: Ledger, warnings: Iterable[str]) -> None:
    """Every migration and where it stands, on stdout."""
    from lockgate.planner.building.compare import count_states  # the other views do without plans

    standings = tuple(standings)
    rows = [(each.version, each.name, _state(each), _applied_at(each)) for each in standings]
    headers = ("version", "name", "state", f"applied at ({zone()})")
    say_table(headers, rows, [STYLES.get(each.state, "yellow") for each in standings])
    for warning in warnings:
        tell(f"Warning: {warning}", "yellow")
    say(count_states(standings))


def _state(standing: Standing) -> str:
    return f"{standing.state} (recorded)" if standing.recorded else standing.state


def _applied_at(standing: Standing) -> str:
    return spell_time(standing.entry.applied_at.isoformat()) if standing.entry else ""


def show_json(standings: Iterable[Standing], ledger: Ledger, warnings: Iterable[str]) -> None:
    """Every migration and where it stands."""
    show_document(
        {
            "format": "lockgate-status",
            "format_version": "1.0",
            "serial": str(ledger.serial),
            "state_digest": ledger.digest,
            "unresolved": list(ledger.unresolved),
            "warnings": list(warnings),
            "migrations": [_migration(each) for each in standings],
        }
    )


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
