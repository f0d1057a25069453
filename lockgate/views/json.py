"""One JSON document on stdout: for status, history, lock and show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lockgate.planner.errors import LockgateError
from lockgate.planner.plan.planfile import render_plan
from lockgate.views.terminal import say_json

if TYPE_CHECKING:
    from lockgate.executors.engine import PastRun
    from lockgate.executors.events import Session
    from lockgate.planner.building.compare import Standing
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.plan.plan import Plan


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


def show_status(standings: Iterable[Standing], ledger: Ledger, warnings: Iterable[str]) -> None:
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
        "checksum": standing.checksum,
        "applied_checksum": entry.checksum if entry else None,
        "applied_at": entry.applied_at.isoformat() if entry else None,
    }


def show_history(runs: Iterable[PastRun]) -> None:
    """The runs of a database, newest first."""
    fields = (
        "id", "plan_digest", "direction", "status", "actor", "approvers", "tool_version",
        "started_at", "finished_at", "error",
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
