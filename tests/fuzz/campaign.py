"""Fuzzing: mutated texts are given to a reader in a process of its own, and it must bear them.

A fault is an error that is no LockgateError, more memory or time than a reader may take, or the
end of the process. The text that caused it is kept.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from lockgate.planner.errors import LockgateError
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import TARGETS

LONGEST = 10.0  # seconds of CPU for one text, however busy the machine is
LARGEST = 512 * 2**20  # bytes of memory that the process may take more than at its beginning
RESERVED = 2 * LARGEST  # bytes of addresses: a parser's stack is reserved, and hardly used


@dataclass(frozen=True)
class Outcome:
    """What became of one reader: how many texts it was given, and what it could not bear."""

    target: str
    texts: int
    fault: str = ""


def fuzz(target: str, seed: int, seconds: float, folder: Path, texts: int | None = None) -> Outcome:
    """Gives a reader texts for some seconds, or this many of them, in a forked process.

    The text at hand is in `folder`, named by target and seed; it is the cause if there is a fault.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _run(target, seed, seconds, folder / f"{target}-{seed}", texts, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    count, _, fault = told.partition(" ")
    if status and not fault:
        fault = f"the process ended with {status}"
    return Outcome(target, int(count or 0), fault)


def _run(
    target: str, seed: int, seconds: float, file: Path, texts: int | None, writing: int
) -> None:
    os.setpgid(0, 0)
    count, fault = 0, ""
    try:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        before = _limit_memory()
        random, end = Random(seed), time.monotonic() + seconds
        while not fault and (time.monotonic() < end if texts is None else count < texts):
            fault = _give(target, random, file)
            count += 1
            if not fault and _taken() > before + LARGEST:
                fault = f"it has taken {_taken() - before:,} bytes"
    except BaseException as error:
        fault = repr(error)
    os.write(writing, f"{count} {fault}".encode())
    os._exit(bool(fault))


def _limit_memory() -> int:
    """Bounds what the process may reserve; the bytes that it has taken already."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + RESERVED, used + RESERVED))
    return _taken()


def _taken() -> int:
    """The most memory that the process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _give(name: str, random: Random, file: Path) -> str:
    """What is wrong with what the reader does with one text; empty: nothing."""
    target = TARGETS[name]
    data = mutate(random.choice(target.seeds), random)
    if target.seal and random.random() < 0.8:
        data = target.seal(data)
    file.write_bytes(data)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        target.read(data)
    except LockgateError:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""
