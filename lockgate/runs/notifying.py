"""The end of a run, for the program that the environment names under `notify`.

It must not change how the run ends.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lockgate.exits import Exit, exit_code
from lockgate.planner.errors import LockgateError
from lockgate.planner.passwords import hide_passwords
from lockgate.views.terminal import tell

if TYPE_CHECKING:
    from lockgate.executors.events import Emit, Event
    from lockgate.executors.fleet.crew import TargetResult
    from lockgate.executors.fleet.driver import Watcher
    from lockgate.planner.environments.environment import Environment

HEAD = {"format": "lockgate-notice", "format_version": "1.0"}
DEADLINE = 10.0
"""Seconds that the program may take."""


@contextmanager
def notifying(environment: Environment, emit: Emit, emergency: str = "") -> Iterator[Emit]:
    """Where the events of the block go; after it the program hears of a run that has begun."""
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
        """Remembers what the notice says of the run."""
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
        """Tells the program, if a run has begun."""
        if self._run:
            told = self._run | {"ran": self._done}
            _hand_out(self._environment, told, code, message, self._emergency)


@contextmanager
def notifying_fleet(
    environment: Environment, plan_digest: str, watcher: Watcher, emergency: str = ""
) -> Iterator[Watcher]:
    """Who watches a fleet's run in the block, after which the program learns how many targets
    have ended how, if a wave has begun."""
    if environment.notify is None:
        yield watcher
        return
    waves: list[int] = []
    states: dict[str, str] = {}

    def begin(wave: int, targets: int) -> None:
        waves.append(wave)
        watcher.wave(wave, targets)

    def hear(result: TargetResult) -> None:
        states[result.name] = result.state.value
        watcher.result(result)

    def hand_out(code: int, message: str) -> None:
        if waves:
            told = {"plan_digest": plan_digest, "targets": Counter(states.values())}
            _hand_out(environment, told, code, message, emergency)

    try:
        yield replace(watcher, result=hear, wave=begin)
    except LockgateError as error:
        hand_out(exit_code(error), hide_passwords(error.what))
        raise
    hand_out(0, "")


def _hand_out(
    environment: Environment, told: dict[str, Any], code: int, message: str, emergency: str
) -> None:
    """Tells the program; what hinders that is a warning."""
    if environment.notify is None:
        return
    from lockgate.executors.programs.notice import hand_to

    outcome = "applied" if not code else Exit(code).name.lower().replace("_", "-")
    document = HEAD | {
        "project": environment.project, "environment": environment.name, **told,
        "outcome": outcome, "exit_code": int(code), "message": message, "emergency": emergency,
    }  # fmt: skip
    command, project = environment.notify.command, environment.folder.project
    if problem := hand_to(command, project, json.dumps(document) + "\n", DEADLINE):
        tell(f"Warning: `notify` was not told of the run: {problem}.", "yellow")
