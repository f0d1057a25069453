"""How a run ended well: for people, and as the last event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.versions import titled
from lockgate.views.run import events
from lockgate.views.terminal import say

if TYPE_CHECKING:
    from lockgate.executors.apply import Report


def show_report(report: Report, *, as_json: bool) -> None:
    """How a run ended well, on stdout."""
    if as_json:
        events.show_report(report, describe_report(report))
    else:
        say(describe_report(report), "bold green" if report.steps else "green")


def describe_report(report: Report) -> str:
    """How an application ended well, as a sentence."""
    if report.outcome == "already applied":
        return "The plan is already applied; nothing was done."
    if report.outcome == "applied" and not report.steps and report.plan.adopted:
        return f"Noted what {report.plan.adopted.tool} says by now; the history is as it was."
    if not report.steps:
        return "Nothing to do: the database is up to date."
    first, last = report.steps[0], report.steps[-1]
    verbs = ("Applied", "Rolled back")
    if all(step.record for step in report.steps):
        verbs = ("Recorded", "Took out of the history:")
    verb = verbs[first.direction == "down"]
    if len(report.steps) == 1:
        return f"{verb} {titled(first.version, first.name)}."
    return f"{verb} {len(report.steps)} migrations ({first.version} to {last.version})."
