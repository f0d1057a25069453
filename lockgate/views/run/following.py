"""How a run is followed: by a person or, with `--json`, by a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lockgate.executors.events import Emit, Event, RunStarted, UnitCommitted
from lockgate.signals import ignore_signals
from lockgate.views.run import events, progress


@contextmanager
def following(*, verbose: bool, as_json: bool) -> Iterator[Emit]:
    """Where a run's events go for the block."""
    if as_json:
        yield _settling(events.show_event)
        return
    with progress.showing(verbose=verbose) as emit:
        yield _settling(emit)


def _settling(emit: Emit) -> Emit:
    """`emit`, but when the last step is kept, no signal shall make that look undone."""
    total = 0

    def settled(event: Event) -> None:
        nonlocal total
        if isinstance(event, RunStarted):
            total = len(event.plan.steps)
        if isinstance(event, UnitCommitted) and event.last == total:
            ignore_signals()
        emit(event)

    return settled
