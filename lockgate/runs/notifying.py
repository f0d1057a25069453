"""The end of a run, told to the program that the environment names under `notify`.

It must not change how the run ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lockgate.exits import Exit, exit_code
from lockgate.planner.errors import LockgateError
from lockgate.planner.passwords import hide_passwords
from lockgate.views.terminal import tell

if TYPE_CHECKING:
    from lockgate.executors.events import Emit, Event
    from lockgate.planner.environments.environment import Environment

HEAD = {"format": "lockgate-notice", "format_version": "1.0"}
DEADLINE = 10.0
"""Seconds that the program may take."""


@contextmanager
def notifying(environment: Environment, emit: Emit, emergency: str = "") -> Iterator[Emit]:
    """Where the events of the block go, after which the program is told of a run that has begun."""
    if environment.notify is None:
        yield emit
        return
    notice = _Notice(environment, emergency)

    def noted(event: Event) -> None:
        notice.hear(event)
        emit(event)

    try:
        yield noted
    except LockgateError as error:
        notice.hand_out(exit_code(error), hide_passwords(error.what))
        raise
    notice.hand_out(0, "")


class _Notice:
    def __init__(self, environment: Environment, emergency: str) -> None:
        self._environment = environment
        self._emergency = emergency
        self._run: dict[str, Any] = {}
        self._done: list[dict[str, Any]] = []

    def hear(self, event: Event) -> None:
        """Remembers what of the run is told."""
        from lockgate.executors.events import RunStarted, StepFinished

        if isinstance(event, RunStarted):
            self._run = {"plan_digest": event.plan.digest, "steps": len(event.plan.steps)}
        elif isinstance(event, StepFinished):
            step = event.step
            self._done.append(
                {"direction": step.direction, "version": step.version, "name": step.name,
                 "seconds": round(event.seconds, 6)}
            )  # fmt: skip

    def hand_out(self, code: int, message: str) -> None:
        """Tells the program, if a run has begun; what hinders that is a warning."""
        if not self._run or self._environment.notify is None:
            return
        from lockgate.executors.programs.notice import hand_to

        outcome = "applied" if not code else Exit(code).name.lower().replace("_", "-")
        document = HEAD | {
            "project": self._environment.project, "environment": self._environment.name,
            **self._run, "ran": self._done, "outcome": outcome, "exit_code": int(code),
            "message": message, "emergency": self._emergency,
        }  # fmt: skip
        command, project = self._environment.notify.command, self._environment.folder.project
        if problem := hand_to(command, project, json.dumps(document) + "\n", DEADLINE):
            tell(f"Warning: `notify` was not told of the run: {problem}.", "yellow")
