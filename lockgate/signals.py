"""SIGINT and SIGTERM as an exception, so that what runs is undone on the way out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lockgate.planner.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN = 0.01  # seconds until a signal that came where its exception would be lost comes again
LOSING = {
    ("psycopg._connection_base", "_notice_handler"),  # a call of libpq's
    ("psycopg._tz", "get_tzinfo"),
    ("psycopg.pq", "import_from_libpq"),
    ("psycopg.errors", "finish_pgconn"),
    ("pymysql.connections", "_force_close"),
    ("pymysql.connections", "close"),
    ("socket", "close"),  # also of a file that is freed, whose errors Python passes over
    ("click._compat", "func"),
    ("click._compat", "isatty"),
    ("jinja2.nodes", "as_const"),
}
"""The functions of others that drop whatever is raised in them; none of them waits for long."""


def catch_signals() -> None:
    """From here on the first signal raises Interrupted, as soon as that reaches somebody; later
    ones wait for the undoing."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        ignore_signals()
        if _is_lost_in(frame):
            come_again(number)
        else:
            raise Interrupted(number)

    def come_again(number: int) -> None:
        signal.signal(signal.SIGALRM, lambda _, frame: interrupt(number, frame))
        signal.setitimer(signal.ITIMER_REAL, AGAIN)

    def hear(dropped: sys.UnraisableHookArgs) -> None:
        """What Python itself drops: it was raised where something was freed, or in a weak
        reference's callback, as each import has one."""
        if isinstance(dropped.exc_value, Interrupted):
            come_again(dropped.exc_value.signal_number)
        else:
            sys.__unraisablehook__(dropped)

    sys.unraisablehook = hear
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # as nohup and `&` in a script leave it
            signal.signal(each, interrupt)


def ignore_signals() -> None:
    """From here on no signal stops us: what is done is done, and only has to be told."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)  # one that was to come again


def _is_lost_in(frame: FrameType | None) -> bool:
    """Whether an exception is dropped that is raised in this frame."""
    while frame:
        name = frame.f_code.co_name
        if name == "__del__" or (frame.f_globals.get("__name__"), name) in LOSING:
            return True
        frame = frame.f_back
    return False


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Lets signals come only after the block: a driver that looks for its parts by importing
    them takes an exception for an absent one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, signal.SIGALRM))
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
