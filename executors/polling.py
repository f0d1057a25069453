"""Waiting for what only asking again, or trying again, can tell: how often, and for how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator

from lockgate.executors.events import Emit, Retried
from lockgate.executors.failure import StepFailed

BLOCKED = "Blocked"
FIRST, LONGEST = 0.05, 1.0  # seconds between two questions


def delays() -> Iterator[float]:
    """Seconds to wait before asking again: doubling, with jitter so that waiters spread."""
    delay = FIRST
    while True:
        yield delay * random.uniform(0.5, 1.0)
        delay = min(delay * 2, LONGEST)


def poll(had: Callable[[], bool], wait: float, on_wait: Callable[[float], None]) -> bool:
    """Asks until the answer is yes; false when `wait` seconds have passed without.

    `on_wait` gets the seconds waited so far, before each pause.
    """
    started = time.monotonic()
    for delay in delays():
        if had():
            return True
        waited = time.monotonic() - started
        if waited >= wait:
            return False
        on_wait(waited)
        time.sleep(min(delay, wait - waited))
    raise AssertionError("delays() has no end")


def try_again(
    retries: int,
    lost_to_others: Collection[str],
    emit: Emit,
    run_once: Callable[[], None],
    may: Callable[[StepFailed], bool] = lambda failed: True,
) -> None:
    """Runs something, up to so many times more while it fails with one of the server's codes for
    what other sessions do, and has left nothing; `may` says whether this failure allows it."""
    attempts = zip(range(1, retries + 1), delays(), strict=False)
    while True:
        try:
            return run_once()
        except StepFailed as failed:
            attempt, delay = next(attempts, (0, 0.0))
            error = failed.failure.error
            if error.code not in lost_to_others or failed.unsure or not attempt or not may(failed):
                raise
            by = error.detail.removeprefix(BLOCKED) if error.detail.startswith(BLOCKED) else ""
            emit(Retried(attempt, delay, f"{failed.failure}{by}"))
            time.sleep(delay)


def blocked_by(blockers: Iterable[object]) -> str:
    """As a detail of an error: the sessions that hold what was waited for; empty for none.

    >>> blocked_by(["ann from a socket", "bob from 10.0.0.1"])
    'Blocked by ann from a socket by bob from 10.0.0.1'
    """
    named = "".join(f" by {blocker}" for blocker in blockers)
    return f"{BLOCKED}{named}" if named else ""
