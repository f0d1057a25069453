"""Work in a thread of its own, for what only waits for others.

Such work must change nothing and start nothing: when the process ends, it ends anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from lockgate.signals import deferred_signals

Result = TypeVar("Result")


def begin(work: Callable[[], Result]) -> Callable[[], Result]:
    """What waits for the work, which has begun, and returns or raises as it does."""
    future: Future[Result] = Future()
    # The process does not wait for a daemon; and a thread inherits the mask of who starts it, so
    # that signals go on to interrupt the main thread alone.
    with deferred_signals():
        Thread(target=_fulfil, args=(future, work), daemon=True).start()
    return future.result


def _fulfil(future: Future[Result], work: Callable[[], Result]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
