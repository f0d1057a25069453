"""Events as newline-delimited JSON on stdout, for programs. docs/reference/events.md."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from executors.events import Event, RunStarted
from planner.plan import PlannedStatement, Step

FORMAT_VERSION = "1.0"
NAMES = {
    "LockAwaited": "lock_awaited",
    "RunStarted": "run_started",
    "StatementFinished": "statement_finished",
    "StepFinished": "step_finished",
    "UnitCommitted": "committed",
    "Blocked": "blocked",
    "Retried": "retried",
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


def show_outcome(code: int, message: str, **more: Any) -> None:
    """The last line: the exit code and why."""
    _line({"event": "outcome", "exit_code": int(code), "message": message} | more)


def _value(value: Any) -> Any:
    if isinstance(value, Step):
        return {"version": value.version, "name": value.name, "direction": value.direction}
    if isinstance(value, PlannedStatement):
        return {"line": value.line, "digest": value.digest}
    if isinstance(value, tuple):
        return [_value(part) for part in value]
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return round(value, 6) if isinstance(value, float) else value


def _line(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False), flush=True)
