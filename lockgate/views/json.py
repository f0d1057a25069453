"""One JSON document on stdout: for status, history, lock and show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lockgate.views.terminal import say_json
from planner.errors import LockgateError
from planner.planfile import render_plan

if TYPE_CHECKING:
    from executors.engine import PastRun
    from executors.events import Session
    from planner.compare import Comparison
    from planner.ledger import Entry, Ledger
    from planner.migration import Migration
    from planner.plan import Plan


def show_document(document: dict[str, Any]) -> None:
    """A document on stdout, indented."""
    say_json(json.dumps(document, indent=2))


def show_plan(plan: Plan) -> None:
    """A plan as its file holds it."""
    say_json(render_plan(plan).rstrip("\n"))


def show_error(error: LockgateError, code: int) -> None:
    """Why the document that was asked for cannot be had."""
    show_document(
        {
            "format": "lockgate-error",
            "format_version": "1.0",
            "exit_code": int(code),
            "message": error.what,
            "why": error.why,
            "do": error.do,
        }
    )


def show_status(comparison: Comparison, ledger: Ledger, warnings: Iterable[str]) -> None:
    """Every migration and where it stands."""
    entries = {entry.number: entry for entry in ledger.entries}
    late = {migration.version for migration in comparison.out_of_order}
    migrations = [
        *(_migration(m, "applied", entries[m.number]) for m in comparison.applied),
        *(_migration(m, "changed", entry) for m, entry in comparison.changed),
        *(
            _migration(m, "out of order" if m.version in late else "pending", None)
            for m in comparison.pending
        ),
        *(_missing(entry) for entry in comparison.missing),
    ]
    show_document(
        {
            "format": "lockgate-status",
            "format_version": "1.0",
            "serial": str(ledger.serial),
            "state_digest": ledger.digest,
            "unresolved": list(ledger.unresolved),
            "warnings": list(warnings),
            "migrations": sorted(migrations, key=lambda each: int(each["version"])),
        }
    )


def _migration(migration: Migration, state: str, entry: Entry | None) -> dict[str, Any]:
    return {
        "version": entry.version if entry else migration.version,
        "name": migration.name,
        "state": state,
        "checksum": migration.checksum,
        "applied_checksum": entry.checksum if entry else None,
        "applied_at": entry.applied_at.isoformat() if entry else None,
    }


def _missing(entry: Entry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "name": entry.name,
        "state": "missing",
        "checksum": None,
        "applied_checksum": entry.checksum,
        "applied_at": entry.applied_at.isoformat(),
    }


def show_history(runs: Iterable[PastRun]) -> None:
    """The runs of a database, newest first."""
    fields = (
        "id", "plan_digest", "direction", "status", "actor", "tool_version", "started_at",
        "finished_at", "error",
    )  # fmt: skip
    show_document(
        {
            "format": "lockgate-history",
            "format_version": "1.0",
            "runs": [{name: getattr(run, name) for name in fields} for run in runs],
        }
    )


def show_lock(holder: Session | None) -> None:
    """Who holds the migration lock."""
    fields = ("pid", "user", "host", "since", "program")
    shown = {name: getattr(holder, name) for name in fields} if holder else None
    show_document({"format": "lockgate-lock", "format_version": "1.0", "holder": shown})
