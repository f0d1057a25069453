"""How a run is followed: by a person or, with `--json`, by a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.views import events, progress, text

if TYPE_CHECKING:
    from executors.apply import Report
    from executors.events import Emit


@contextmanager
def following(*, verbose: bool, as_json: bool) -> Iterator[Emit]:
    """Where a run's events go for the block."""
    if as_json:
        events.show_start()
        yield events.show_event
        return
    with progress.showing(verbose=verbose) as emit:
        yield emit


def show_report(report: Report, *, as_json: bool) -> None:
    """How a run ended well."""
    if as_json:
        versions = [step.version for step in report.steps]
        events.show_outcome(0, report.outcome, plan_digest=report.plan.digest, applied=versions)
    else:
        text.show_report(report)
