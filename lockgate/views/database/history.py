"""The runs of a database, the newest first: for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lockgate.executors.states import WHOLE
from lockgate.planner.quantities import spell_digest
from lockgate.views.batches import spell_cost
from lockgate.views.grid import say_grid
from lockgate.views.json import show_document
from lockgate.views.terminal import say, say_table, spell_moment, spell_time, zone

if TYPE_CHECKING:
    from lockgate.executors.ledger.rows import PastRun
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.planner.plan.proof import StepCost
    from lockgate.planner.plan.receipt import Job

HEAD = {"format": "lockgate-history", "format_version": "1.6"}
RARE = ("emergency", "others waited", "CI job (a claim)", "approved by", "error")
"""Columns that are left out where no run has anything in them."""


def show_text(runs: Iterable[PastRun]) -> None:
    """The runs of a database, newest first, on stdout."""
    found = list(runs)
    columns = {
        f"started ({zone()})": [spell_time(run.started_at) for run in found],
        "what": [describe_steps(run) for run in found],
        "status": [run.status for run in found],
        "took": [_took(run.ms) for run in found],
        "others waited": [_took(run.waited or None) for run in found],
        "run": [run.id for run in found],
        "who (a claim)": [run.actor for run in found],
        "CI job (a claim)": [describe_job(run.job) for run in found],
        "approved by": [run.approvers for run in found],
        "emergency": [run.emergency for run in found],
        "error": [run.error for run in found],
    }
    shown = {name: cells for name, cells in columns.items() if name not in RARE or any(cells)}
    styles = [_style(run) for run in found]
    rows = zip(styles, zip(*shown.values(), strict=True), strict=True)
    say_grid(list(shown), [[(cell, style) for cell in row] for style, row in rows])


def show_run(run: PastRun, plan: Plan | None, costs: Mapping[int, StepCost]) -> None:
    """One run in full, with each of its steps, on stdout; a change of identity has no plan."""
    say(f"Run {run.id}: {run.status}", "bold" if run.status in WHOLE else "yellow")
    took = _took(run.ms) or "no known time"
    say(f"  started   {spell_moment(datetime.fromisoformat(run.started_at))}, took {took}")
    say(f"  by        {run.actor} (a claim), with lockgate {run.tool_version}")
    if run.job:
        say(f"  job       {describe_job(run.job)} (a claim)")
    if plan is None:
        for when, (uuid, environment) in zip(("was", "is now"), run.rebound, strict=False):
            say(f"  {when:<9} {uuid} ({environment})")
        return
    say(f"  approved  {run.approvers or 'by no signature'}")
    say(f"  plan      {spell_digest(run.plan_digest)}")
    say(f"  verdict   {plan.verdict}")
    if run.emergency:
        say(f"  EMERGENCY {run.emergency}", "bold red")
    if run.error:
        say(f"  error     {run.error}", "yellow")
    say("")
    rows = [_step(number, step, costs.get(number)) for number, step in enumerate(plan.steps, 1)]
    say_table(("step", "", "version", "name", "statements", "cost"), rows, [""] * len(rows))


def show_run_json(run: PastRun, plan: Plan | None, costs: Mapping[int, StepCost]) -> None:
    """One run in full, with its steps."""
    steps = [
        {
            "direction": step.direction,
            "version": step.version,
            "name": step.name,
            "recorded": step.record is not None,
            "reason": step.record.reason if step.record and step.record.is_skip else None,
            "statements": len(step.statements),
            "cost": costs[number].model_dump() if number in costs else None,
        }
        for number, step in enumerate(plan.steps if plan else (), 1)
    ]
    verdict = plan.verdict if plan else None
    show_document(HEAD | {"run": _document(run) | {"verdict": verdict, "steps": steps}})


def describe_steps(run: PastRun) -> str:
    """What it did, by its versions.

    >>> from types import SimpleNamespace
    >>> describe_steps(SimpleNamespace(direction="up", versions=("001", "002", "005")))
    'up 001 … 005 (3)'
    >>> describe_steps(SimpleNamespace(direction="down", versions=("005",)))
    'down 005'
    >>> describe_steps(SimpleNamespace(direction="rebind", rebound=[("1f", "dev"), ("2e", "test")]))
    'rebind dev → test'
    """
    if run.direction == "rebind":
        return f"rebind {' → '.join(environment for _, environment in run.rebound)}".strip()
    versions = run.versions or ()
    ends = " … ".join(dict.fromkeys((*versions[:1], *versions[-1:])))
    number = f" ({len(versions)})" if len(versions) > 1 else ""
    return f"{run.direction} {ends}{number}".strip()


def _step(number: int, step: Step, cost: StepCost | None) -> tuple[str, ...]:
    sign = "+ up" if step.direction == "up" else "- down"
    runs = "recorded" if step.record else str(len(step.statements))
    if step.record and step.record.is_skip:
        runs = f"passed over: {step.record.reason}"
    return (str(number), sign, step.version, step.name, runs,
            spell_cost(cost) if cost else "")  # fmt: skip


def _style(run: PastRun) -> str:
    if run.emergency:
        return "bold red"
    return "" if run.status in WHOLE else "yellow"


def _took(ms: int | None) -> str:
    """
    >>> [_took(ms) for ms in (None, 12, 1500, 90_000)]
    ['', '12 ms', '1.5 s', '1 min 30 s']
    """
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms} ms"
    minutes, seconds = divmod(ms / 1000, 60)
    return f"{minutes:.0f} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"


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
    show_document(HEAD | {"runs": [_document(run) for run in runs]})


def _document(run: PastRun) -> dict[str, Any]:
    fields = (
        "id", "plan_digest", "direction", "status", "actor", "approvers", "tool_version",
        "started_at", "finished_at", "ms", "versions", "error",
        "emergency", "waited",
    )  # fmt: skip
    job = {"job": run.job.model_dump() if run.job else None}
    shown = {name: getattr(run, name) for name in fields}
    rebound = [one._asdict() for one in run.rebound]
    job |= {"rebound": dict(zip(("before", "after"), rebound, strict=False)) or None}
    return shown | {"others_waited_ms": shown.pop("waited")} | job
