"""The runs of a database, the newest first: for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lockgate.executors.states import WHOLE
from lockgate.planner.quantities import short_digest
from lockgate.views.json import show_document
from lockgate.views.terminal import say_table

if TYPE_CHECKING:
    from lockgate.executors.engine import PastRun


def show_text(runs: Iterable[PastRun]) -> None:
    """The runs of a database, newest first, on stdout."""
    rows = [
        (
            run.started_at,
            run.direction,
            run.status,
            short_digest(run.plan_digest),
            _who(run),
            run.error,
        )
        for run in runs
    ]
    headers = ("started (UTC)", "", "status", "plan", "who", "error")
    say_table(headers, rows, ["" if row[2] in WHOLE else "yellow" for row in rows])


def _who(run: PastRun) -> str:
    return f"{run.actor}, approved by {run.approvers}" if run.approvers else run.actor


def show_json(runs: Iterable[PastRun]) -> None:
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
