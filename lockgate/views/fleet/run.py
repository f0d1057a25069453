"""A run of a fleet as it is followed, and how it ended: for people, and as events for programs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

from lockgate.executors.fleet.crew import TargetResult, TargetState
from lockgate.executors.fleet.driver import Watcher
from lockgate.planner.quantities import format_duration
from lockgate.views.fleet.text import name_some
from lockgate.views.plan.review import count
from lockgate.views.terminal import print_line, say, tell

if TYPE_CHECKING:
    from lockgate.executors.fleet.driver import Drive
    from lockgate.planner.fleet.fleet_plan import FleetPlan, Group


NOTHING = "Nothing to do: no target has anything pending."


def watching(*, as_json: bool, verbose: bool) -> Watcher:
    """Who hears of a run: a person on stderr, or a program on stdout."""
    if as_json:
        return Watcher(_line_of_result, _line_of_wave, _line_of_soak)

    def tell_result(result: TargetResult) -> None:
        if result.state != TargetState.APPLIED:
            tell(f"  {result.name}: {result.state}: {result.detail}", "yellow")
        elif verbose:
            tell(f"  {result.name}: {'applied before' if result.again else 'applied'}")

    return Watcher(tell_result, _tell_wave, _tell_soak)


def _tell_wave(wave: int, targets: int) -> None:
    tell(f"Wave {wave}: {count(targets, 'target')}.")


def tell_idle(environment: str) -> None:
    """That no worker is at work."""
    tell(f"No worker has taken a job yet. Start one: migrate worker -e {environment}", "yellow")


def tell_worker(environment: str, jobs: int) -> None:
    """What a worker does when it begins."""
    tell(f"Working for {environment}: up to {count(jobs, 'job')} at once. Ctrl-C ends it.")


def tell_lost(why: str) -> None:
    """That a worker has lost the control database."""
    tell(f"The control database does not answer; trying again: {why}", "yellow")


def tell_leaving(results: Counter[TargetState]) -> None:
    """What a worker has done when it ends."""
    others = "".join(f", {number:,} {state}" for state, number in sorted(results.items())
                     if state != TargetState.APPLIED)  # fmt: skip
    tell(f"{count(results[TargetState.APPLIED], 'target')} applied{others}.")


def _tell_soak(seconds: float) -> None:
    tell(f"Waiting {format_duration(round(seconds))} before the next wave.")


def _line_of_result(result: TargetResult) -> None:
    _line({"event": "target", "name": result.name, "state": result.state.value,
           "detail": result.detail, "run": result.run, "again": result.again})  # fmt: skip


def _line_of_wave(wave: int, targets: int) -> None:
    _line({"event": "wave", "wave": wave, "targets": targets})


def _line_of_soak(seconds: float) -> None:
    _line({"event": "soak", "seconds": round(seconds, 3)})


def show_end(
    plan: FleetPlan, drive: Drive, total: int, nothing: str = NOTHING, *, as_json: bool
) -> None:
    """How a run ended well: every target has ended, and nothing is half done; or that there was
    `nothing` to do."""
    message = describe_end(drive, total) if total else nothing
    if as_json:
        _line({"event": "outcome", "exit_code": 0, "outcome": "applied", "plan_digest": plan.digest,
               "message": message, "steps": []})  # fmt: skip
    else:
        say(message, "bold green" if total else "green")


def describe_targets(group: Group) -> str:
    """Which targets a group has, in short."""
    names = [target.name for target in group.targets]
    return f"{count(len(names), 'target')}: {name_some(names)}"


def describe_end(drive: Drive, total: int) -> str:
    """How many targets ended how.

    >>> from lockgate.executors.fleet.driver import Drive
    >>> describe_end(Drive({"a": TargetResult("a", TargetState.APPLIED)}), 2)
    '1 of 2 targets applied, 1 waiting.'
    """
    counts = Counter(result.state for result in drive.results.values())
    counts[TargetState.WAITING] += total - sum(counts.values())
    others = [f"{number:,} {state}" for state, number in sorted(counts.items())
              if number and state != TargetState.APPLIED]  # fmt: skip
    return ", ".join([f"{counts[TargetState.APPLIED]:,} of {count(total, 'target')} applied",
                      *others]) + "."  # fmt: skip


def _line(document: dict[str, object]) -> None:
    print_line(json.dumps(document), sys.stdout)
