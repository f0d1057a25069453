"""SIGINT and SIGTERM as an exception, so that what runs is undone on the way out."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lockgate.planner.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def catch_signals() -> None:
    """From here on the first signal raises Interrupted; later ones wait for the undoing."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        ignore_signals()
        raise Interrupted(number)

    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # as nohup and `&` in a script leave it
            signal.signal(each, interrupt)


def ignore_signals() -> None:
    """From here on no signal stops us: what is done is done, and only has to be told."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Lets signals come only after the block: a driver that looks for its parts by importing
    them takes an exception for an absent one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ignored_signals() -> Iterator[None]:
    """Leaves SIGINT to a program that runs in the block on the same terminal."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
