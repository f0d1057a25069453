"""Events as newline-delimited JSON on stdout, for programs. docs/reference/events.md."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from lockgate.executors.events import Event, RunStarted
from lockgate.exits import Exit
from lockgate.planner.errors import LockgateError
from lockgate.planner.passwords import hide_passwords
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.views.terminal import print_line

if TYPE_CHECKING:
    from lockgate.executors.apply import Report
    from lockgate.executors.failure import Failure

FORMAT_VERSION = "1.0"
NAMES = {
    "LockAwaited": "lock_awaited",
    "RunStarted": "run_started",
    "StatementFinished": "statement_finished",
    "StatementSkipped": "statement_skipped",
    "StepFinished": "step_finished",
    "UnitCommitted": "committed",
    "StatementProgressed": "statement_progressed",
    "Blocked": "blocked",
    "BlockerEnded": "blocker_ended",
    "OthersWaited": "others_waited",
    "ServerMessage": "server_message",
    "BatchCommitted": "batch_committed",
    "BatchesHeld": "batches_held",
    "CopyProgressed": "copy_progressed",
    "Retried": "retried",
    "Undoing": "undoing",
    "ClearingPostponed": "clearing_postponed",
}


def show_start() -> None:
    """The first line: which format follows."""
    _line({"event": "start", "format": "lockgate-events", "format_version": FORMAT_VERSION})


def show_event(event: Event) -> None:
    """A line for an event of the executor."""
    name = NAMES[type(event).__name__]
    if isinstance(event, RunStarted):
        plan = event.plan
        _line({"event": name, "plan_digest": plan.digest, "environment": plan.environment,
               "steps": len(plan.steps), "done": event.done})  # fmt: skip
        return
    _line({"event": name} | {field.name: _value(getattr(event, field.name))
                             for field in fields(event)})  # fmt: skip


def show_report(report: Report, message: str) -> None:
    """The last line of a run that ended well: what it did, in `message` as a sentence."""
    _line({"event": "outcome", "exit_code": 0, "outcome": report.outcome.replace(" ", "-"),
           "message": message, "plan_digest": report.plan.digest,
           "steps": [_value(step) for step in report.steps]})  # fmt: skip


def show_error(error: LockgateError, code: int) -> None:
    """The last line of a run that did not: why, what to do, and where in which file."""
    _line({"event": "outcome", "exit_code": int(code), "outcome": _outcome(code),
           "message": error.what, "why": error.why, "do": error.do,
           "failure": _failure(getattr(error, "failure", None))})  # fmt: skip


def _outcome(code: int) -> str:
    return Exit(code).name.lower().replace("_", "-")


def _failure(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    error = failure.error
    return {"number": failure.number, "step": _value(failure.step), "place": failure.place,
            "file": failure.step.file, "line": failure.line, "column": failure.column,
            "code": error.code, "message": error.message, "detail": error.detail,
            "hint": error.hint}  # fmt: skip


def _value(value: Any) -> Any:
    if isinstance(value, Step):
        return {"version": value.version, "name": value.name, "direction": value.direction}
    if isinstance(value, PlannedStatement):
        return {"line": value.line, "digest": value.digest}
    if isinstance(value, str):
        return hide_passwords(value)
    if isinstance(value, tuple):
        return [_value(part) for part in value]
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return round(value, 6) if isinstance(value, float) else value


def _line(document: dict[str, Any]) -> None:
    print_line(json.dumps(document), sys.stdout)
