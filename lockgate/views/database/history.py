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
    from lockgate.planner.plan.receipt import Job

RARE = ("CI job (a claim)", "approved by")
"""Columns that are left out where no run has anything in them."""


def show_text(runs: Iterable[PastRun]) -> None:
    """The runs of a database, newest first, on stdout."""
    found = list(runs)
    columns = {
        "started (UTC)": [run.started_at for run in found],
        "": [run.direction for run in found],
        "status": [run.status for run in found],
        "plan": [short_digest(run.plan_digest) for run in found],
        "who (a claim)": [run.actor for run in found],
        "CI job (a claim)": [describe_job(run.job) for run in found],
        "approved by": [run.approvers for run in found],
        "error": [run.error for run in found],
    }
    shown = {name: cells for name, cells in columns.items() if name not in RARE or any(cells)}
    styles = ["" if run.status in WHOLE else "yellow" for run in found]
    say_table(list(shown), list(zip(*shown.values(), strict=True)), styles)


def describe_job(job: Job | None) -> str:
    """A job of CI in one line, of what it said."""
    if job is None:
        return ""
    parts = (
        *(job.project, job.job and f"job {job.job}", job.run and f"run {job.run}"),
        *(job.commit and f"commit {job.commit[:12]}", job.user and f"started by {job.user}"),
    )
    return ", ".join(filter(None, (job.system, *parts)))


def show_json(runs: Iterable[PastRun]) -> None:
    """The runs of a database, newest first."""
    fields = (
        "id", "plan_digest", "direction", "status", "actor", "approvers", "tool_version",
        "started_at", "finished_at", "error",
    )  # fmt: skip
    show_document(
        {
            "format": "lockgate-history",
            "format_version": "1.1",
            "runs": [
                {name: getattr(run, name) for name in fields}
                | {"job": run.job.model_dump() if run.job else None}
                for run in runs
            ],
        }
    )
