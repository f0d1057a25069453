"""Waiting for something that only asking again can tell."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

FIRST, LONGEST = 0.05, 1.0  # seconds between two questions


def delays() -> Iterator[float]:
    """Seconds to wait before asking again: doubling, with jitter so that waiters spread."""
    delay = FIRST
    while True:
        yield delay * random.uniform(0.5, 1.0)
        delay = min(delay * 2, LONGEST)


def poll(had: Callable[[], bool], wait: float, on_wait: Callable[[float], None]) -> bool:
    """Asks until the answer is yes; false when `wait` seconds have passed without.

    `on_wait` is told the seconds waited so far, before each pause.
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
