"""A crew of threads in this process: connections wait for servers most of the time.

Knows no plan: what is done with a target, the caller hands in.
"""

from __future__ import annotations

import math
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Condition, Thread

from lockgate.executors.fleet.crew import Shift, TargetResult, Task

PATIENCE = 0.5
"""Seconds after which a server that was not ready for more is asked again."""


class LocalCrew:
    """So many threads; at most `per_host` of them on one server, and none that it is not ready for
    by `is_ready`. After the `deadline`, by the monotonic clock, they begin nothing."""

    is_noting = False

    def __init__(
        self,
        work: Callable[[Task], TargetResult],
        *,
        parallel: int,
        per_host: int,
        is_ready: Callable[[str], bool] = lambda host: True,
        deadline: float = math.inf,
    ) -> None:
        self._work = work
        self._parallel = parallel
        self._per_host = per_host
        self._is_ready = is_ready
        self._deadline = deadline

    @contextmanager
    def performing(self, tasks: Sequence[Task]) -> Iterator[Shift]:
        """See `Crew`."""
        shift = _LocalShift(tasks, self._per_host, self._is_ready, self._deadline)
        threads = [
            Thread(target=self._serve, args=(shift,), daemon=True)
            for _ in range(min(self._parallel, len(tasks)))
        ]
        # A thread inherits the mask of who starts it: signals interrupt the main thread alone.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        for thread in threads:
            thread.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            yield shift
        finally:
            shift.stop()
            for thread in threads:
                thread.join()

    def _serve(self, shift: _LocalShift) -> None:
        while (task := shift.take()) is not None:
            result: TargetResult | BaseException
            try:
                result = self._work(task)
            except BaseException as error:
                result = error
            shift.give_back(task, result)


class _LocalShift:
    """The tasks that wait, by their server, and how many are under way on each."""

    def __init__(
        self,
        tasks: Sequence[Task],
        per_host: int,
        is_ready: Callable[[str], bool],
        deadline: float,
    ) -> None:
        self._waiting: dict[str, deque[Task]] = {}
        for task in tasks:
            self._waiting.setdefault(task.host, deque()).append(task)
        self._busy: Counter[str] = Counter()
        self._per_host = per_host
        self._is_ready = is_ready
        self._deadline = deadline
        self._running = 0
        self._changed = Condition()
        self._results: SimpleQueue[TargetResult | BaseException | None] = SimpleQueue()

    def take(self) -> Task | None:
        """A task whose server may have one more; waits for it. None: there is no more."""
        with self._changed:
            while self._waiting and time.monotonic() < self._deadline:
                for host, tasks in self._waiting.items():
                    if self._busy[host] < self._per_host and self._is_ready(host):
                        return self._begin(host, tasks)
                self._changed.wait(min(PATIENCE, self._deadline - time.monotonic()))
            self._waiting.clear()
            self._results.put(None)
            return None

    def _begin(self, host: str, tasks: deque[Task]) -> Task:
        self._busy[host] += 1
        self._running += 1
        task = tasks.popleft()
        if not tasks:
            del self._waiting[host]
        return task

    def give_back(self, task: Task, result: TargetResult | BaseException) -> None:
        """Notes how a task ended."""
        with self._changed:
            self._busy[task.host] -= 1
            self._changed.notify_all()
        self._results.put(result)

    def __iter__(self) -> Iterator[TargetResult]:
        """See `Shift`; what the work on a task has raised is raised here."""
        while self._waiting or self._running:
            result = self._results.get()
            if result is None:  # a thread has found no more to begin
                continue
            self._running -= 1
            if isinstance(result, BaseException):
                raise result
            yield result

    def stop(self) -> None:
        """See `Shift`."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()
