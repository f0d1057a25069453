"""What people read: errors, plans, reports, the status and the history."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from lockgate.planner.errors import LockgateError, RunError
from lockgate.planner.guarantees.guarantee import ONE_TRANSACTION
from lockgate.views.rehearsal import show_rehearsal
from lockgate.views.terminal import say, say_table, shorten, tell

if TYPE_CHECKING:
    from lockgate.executors.apply import Report
    from lockgate.executors.engine import PastRun
    from lockgate.executors.events import Session
    from lockgate.executors.failure import Failure
    from lockgate.executors.resolve import HalfDone
    from lockgate.planner.building.compare import Standing
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.plan.plan import Plan, Step

STYLES = {"applied": "", "changed": "red", "missing": "red", "half done": "red"}
ANSWERED = {"allow": "", "warn": "yellow", "require-approval": "yellow", "deny": "bold red"}
CONTEXT = 10
"""Lines of a statement that are shown before and after the one that was refused."""


def show_error(error: LockgateError) -> None:
    """An error on stderr: what happened, the statement, why we stop, what to do."""
    head, _, _ = str(error).partition("\n")
    tell(f"Error: {head}", "bold red")
    for line in error.what.split("\n")[1:]:
        tell(line)
    if isinstance(error, RunError) and error.failure is not None:
        _show_failure(error.failure)  # type: ignore[arg-type]
    for part in (error.why, error.do, *getattr(error, "__notes__", ())):
        if part:
            tell(part)


def _show_failure(failure: Failure) -> None:
    error = failure.error
    if failure.statement is not None:
        tell("")
        for number, line in enumerate(failure.statement.sql.split("\n"), failure.statement.line):
            if abs(number - failure.line) <= CONTEXT:
                tell(f"  {number:>5} | {line}")
            if number == failure.line and failure.column:
                tell(f"        | {_blank(line[: failure.column - 1])}^")
        tell("")
    for name, value in (("Detail", error.detail), ("Hint", error.hint)):
        if value:
            tell(f"{name}: {value}")


def _blank(text: str) -> str:
    """Nothing, as wide as the text: what stands below it stands below its end.

    >>> _blank("\\tab")
    '\\t  '
    """
    return re.sub(r"[^\t]", " ", text)


def show_plan(plan: Plan) -> None:
    """A plan for its reviewer, on stdout."""
    from lockgate.views.notes import show_notes

    target = plan.target
    say(f"Plan {plan.digest[:12]} for {plan.environment}", "bold")
    say(f"  target    {target.engine} {target.server_version}, database {target.database}")
    say(f"  made      {plan.created_at:%Y-%m-%d %H:%M:%S} UTC{_expiry(plan)}")
    say(f"  intent    {plan.intent_digest[:12]}{_commit(plan)}")
    say(f"  history   serial {plan.base.serial} -> {plan.result.serial}")
    say(f"  verdict   {plan.verdict}", "" if plan.verdict.startswith("ATOMIC") else "yellow")
    if plan.verdict != ONE_TRANSACTION:
        say(f"  promised  {_guarantees(plan)}")
    for warning in plan.warnings:
        say(f"  warning   {warning}", "yellow")
    for decision in plan.decisions:
        say(f"  policy    {decision}", ANSWERED[decision.answer])
    say("")
    if not plan.steps:
        say("Nothing to do: the plan has no steps.", "green")
        return
    rows = [_step_row(number, step) for number, step in enumerate(plan.steps, 1)]
    headers = ("step", "", "version", "name", "statements", "unit")
    say_table(headers, rows, ["red" if s.direction == "down" else "" for s in plan.steps])
    show_notes(plan)
    show_rehearsal(plan)


def _guarantees(plan: Plan) -> str:
    """How many statements have which guarantee."""
    counts = Counter(s.guarantee for step in plan.steps for s in step.statements)
    return ", ".join(f"{count} {guarantee}" for guarantee, count in counts.items())


def _step_row(number: int, step: Step) -> tuple[str, ...]:
    unit = "none" if step.transaction is None else str(step.transaction)
    sign = "+ up" if step.direction == "up" else "- down"
    return (str(number), sign, step.version, step.name, str(len(step.statements)), unit)


def _expiry(plan: Plan) -> str:
    return f", expires {plan.expires_at:%Y-%m-%d %H:%M:%S} UTC" if plan.expires_at else ""


def _commit(plan: Plan) -> str:
    commit = plan.source.commit
    dirty = " with uncommitted changes" if plan.source.dirty else ""
    return f", from commit {commit[:12]}{dirty}" if commit else ""


def tell_warnings(plan: Plan) -> None:
    """What a plan warns of, on stderr."""
    warned = (decision for decision in plan.decisions if decision.answer == "warn")
    for warning in (*plan.warnings, *(decision.reason for decision in warned)):
        tell(f"Warning: {warning}", "yellow")


def show_report(report: Report) -> None:
    """How an application ended well, on stdout."""
    say(describe_report(report), "bold green" if report.steps else "green")


def describe_report(report: Report) -> str:
    """How an application ended well, as a sentence."""
    if report.outcome == "already applied":
        return "The plan is already applied; nothing was done."
    if not report.steps:
        return "Nothing to do: the database is up to date."
    first, last = report.steps[0], report.steps[-1]
    verb = "Applied" if first.direction == "up" else "Rolled back"
    if len(report.steps) == 1:
        return f"{verb} {first.version} {first.name}."
    return f"{verb} {len(report.steps)} migrations ({first.version} to {last.version})."


def show_status(standings: Iterable[Standing], ledger: Ledger, warnings: Iterable[str]) -> None:
    """Every migration and where it stands, on stdout."""
    from lockgate.planner.building.compare import count_states  # the other views do without rfc8785

    standings = tuple(standings)
    rows = [(each.version, each.name, each.state, _applied_at(each)) for each in standings]
    headers = ("version", "name", "state", "applied at (UTC)")
    say_table(headers, rows, [STYLES.get(each.state, "yellow") for each in standings])
    for warning in warnings:
        tell(f"Warning: {warning}", "yellow")
    say(count_states(standings))


def _applied_at(standing: Standing) -> str:
    return f"{standing.entry.applied_at:%Y-%m-%d %H:%M:%S}" if standing.entry else ""


def show_history(runs: Iterable[PastRun]) -> None:
    """The runs of a database, newest first, on stdout."""
    from lockgate.planner.building.stored_runs import WHOLE  # the other views do without rfc8785

    rows = [
        (run.started_at, run.direction, run.status, run.plan_digest[:12], _who(run), run.error)
        for run in runs
    ]
    headers = ("started (UTC)", "", "status", "plan", "who", "error")
    say_table(headers, rows, ["" if row[2] in WHOLE else "yellow" for row in rows])


def _who(run: PastRun) -> str:
    return f"{run.actor}, approved by {run.approvers}" if run.approvers else run.actor


def show_half_done(half_done: Collection[HalfDone]) -> None:
    """What runs left half done, statement by statement, and the ways out; on stdout."""
    if not half_done:
        say("Nothing is half done.", "green")
    for half in half_done:
        for number, step in enumerate(half.unit.steps, half.unit.first):
            place = f"{step.direction} {step.version} {step.name} ({step.file})"
            say(f"{place} is half done:", "bold yellow")
            for count, statement in enumerate(step.statements, 1):
                state = half.state(number, count)
                say(f"  {count:>3} {state:<8}  line {statement.line}: {shorten(statement.sql)}")
        if half.error:
            say(half.error, "yellow")
        say(_ways_back(half) if half.compensated else _ways_out(half))


def _ways_back(half: HalfDone) -> str:
    version = half.unit.steps[-1].version
    first = (
        "Mend what is told there. Then\n"
        if half.status == "STUCK"
        else "Apply the same plan again: what it had done is undone first. Or\n"
    )
    finish = "  migrate resolve --finish --reason TEXT    runs the rest of it\n" * half.can_finish
    return (
        f"{first}"
        "  migrate resolve --undo --reason TEXT      undoes all of it\n"
        f"{finish}"
        "  migrate resolve --out plan.json           writes that plan\n"
        "Or mend it by hand, and say how it ended:\n"
        f"  migrate resolve --mark-applied {version} --reason TEXT\n"
        f"  migrate resolve --mark-rolled-back {half.unit.steps[0].version} --reason TEXT"
    )


def _ways_out(half: HalfDone) -> str:
    version = half.unit.steps[0].version
    again = (
        "Look in the database whether the unknown statement happened.\nThen f"
        if half.unknown
        else "Remove the cause and apply the same plan again: it goes on where it stopped.\n"
        "  migrate resolve --finish --reason TEXT   does that, without the plan's file\n"
        "  migrate resolve --out plan.json          writes that plan\n"
        "Or f"
    )
    return (
        f"{again}inish or undo the migration by hand, and settle it:\n"
        f"  migrate resolve --mark-applied {version} --reason TEXT\n"
        f"  migrate resolve --mark-rolled-back {version} --reason TEXT"
    )


def show_lock(holder: Session | None) -> None:
    """Who holds the migration lock, on stdout."""
    if holder is None:
        say("The migration lock is free.", "green")
    else:
        say(f"The migration lock is held by {holder}.", "yellow")
