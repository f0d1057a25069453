"""A worker of a fleet: takes jobs from the queue, until it is asked to leave.

Connects only outwards. What is done with a job, the caller hands in; a signal lets the targets
under way end, and gives the rest of their jobs back.
"""

from __future__ import annotations

import asyncio
import importlib
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.procrastinate import TASK, Assignment, Queue, lost_errors
from lockgate.planner.errors import Unreachable
from lockgate.planner.value import frozen

POLL = 1.0
AGAIN = 1.0
"""Seconds after which a control database that was lost is tried again."""

Do = Callable[[Assignment, Callable[[], bool]], bool]
"""Does a job's targets; asked before each whether to leave. False: it has left some."""


@frozen
class WorkerTerms:
    """`jobs` at once; another worker's jobs are taken over when it has given no sign for
    `stalled_after` seconds; it ends after `idle` seconds without a job, None: never. `lost`
    takes why the control database does not answer."""

    jobs: int
    stalled_after: float
    idle: float | None
    lost: Callable[[str], None]


class Worker:
    """Works on the jobs of one queue."""

    def __init__(self, queue: Queue, do: Do, terms: WorkerTerms) -> None:
        self._queue = queue
        self._do = do
        self._terms = terms
        self._task: asyncio.Task[None] | None = None
        self._is_leaving = False
        self._ended: dict[int, float] = {}
        self._running = 0
        self._active = time.monotonic()

    def run(self) -> None:
        """Returns when it was asked to leave by SIGINT or SIGTERM, or has been idle for long."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self._terms.jobs + 1))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._leave)
        while not self._is_leaving:
            try:
                with suppress(asyncio.CancelledError):
                    self._task = loop.create_task(self._work())
                    await self._task
            except lost_errors() as error:
                self._terms.lost(str(error.__cause__ or error).strip())
            if not self._is_leaving:
                await asyncio.sleep(AGAIN)

    def _leave(self) -> None:
        self._is_leaving = True
        if self._task:
            self._task.cancel()

    async def _work(self) -> None:
        """Works until it is cancelled, or the control database is lost: procrastinate's worker
        ends then, and what it had is taken over like any other's."""
        app = self._queue.app("PsycopgConnector", min_size=1, max_size=4)
        again = (_aborted(), Unreachable, ServerError)
        retry = importlib.import_module("procrastinate").RetryStrategy(
            wait=1, retry_exceptions=again
        )
        app.task(name=TASK, pass_context=True, retry=retry)(self._perform)
        terms = self._terms
        async with app.open_async():
            side = [asyncio.create_task(self._rescue(app)), asyncio.create_task(self._watch())]
            try:
                while not await app.check_connection_async():  # the first driver makes the tables
                    await asyncio.sleep(AGAIN)
                await app.run_worker_async(
                    queues=[self._queue.name], concurrency=terms.jobs,
                    install_signal_handlers=False, shutdown_graceful_timeout=0,
                    fetch_job_polling_interval=POLL, delete_jobs="always",
                    update_heartbeat_interval=terms.stalled_after / 6,
                    stalled_worker_timeout=terms.stalled_after,
                )  # fmt: skip
            finally:
                for one in side:
                    one.cancel()

    def _perform(self, context: Any, **arguments: Any) -> None:
        """A job, in a thread of its own. Whatever it raises has it done again."""
        self._running += 1
        try:
            arguments["targets"] = tuple(arguments["targets"])
            try:
                is_done = self._do(Assignment(**arguments), context.should_abort)
            except (Unreachable, ServerError) as error:
                self._terms.lost(str(error))
                raise
            if not is_done:
                raise _aborted()
        finally:
            self._running -= 1
            self._active = self._ended[context.job.id] = time.monotonic()

    async def _watch(self) -> None:
        """Leaves after so long without a job."""
        while self._terms.idle is not None:
            await asyncio.sleep(min(1.0, self._terms.idle))
            if not self._running and time.monotonic() - self._active > self._terms.idle:
                self._leave()

    async def _rescue(self, app: Any) -> None:
        """Gives back, again and again, the jobs of workers that give no sign, and its own whose
        end could not be noted. Two may give back the same: a target is applied once all the same.
        """
        manager, queue = app.job_manager, self._queue.name
        while True:
            await asyncio.sleep(self._terms.stalled_after / 3)
            with suppress(*lost_errors()):
                stalled = await manager.get_stalled_jobs(
                    queue=queue, seconds_since_heartbeat=self._terms.stalled_after
                )
                doing = await manager.list_jobs_async(queue=queue, status="doing")
                before = time.monotonic() - self._terms.stalled_after
                unnoted = [one for one in doing if self._ended.get(one.id, before) < before]
                for job in [*stalled, *unnoted]:
                    await manager.retry_job(job)
                    self._ended.pop(job.id, None)
                known = {one.id for one in doing}
                self._ended = {key: at for key, at in self._ended.items() if key in known}


def _aborted() -> type[Exception]:
    """What a job raises that is given back."""
    found: type[Exception] = importlib.import_module("procrastinate.exceptions").JobAborted
    return found
