"""A crew of workers elsewhere: jobs in a queue of procrastinate, in the control database.

A job names a run and some targets of one server: it holds no address, no SQL and no password.
Touches no target: `worker` does. https://procrastinate.readthedocs.io
"""

from __future__ import annotations

import importlib
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from lockgate.executors.fleet.crew import Shift, TargetResult, TargetState, Task
from lockgate.executors.postgresql.connection import connection_options
from lockgate.planner.errors import ConfigurationError, Unreachable, UsageError
from lockgate.planner.fleet.place import search_in
from lockgate.planner.plan.statement import sha256
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.fleet.coordinator import Coordinator
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment

TASK = "lockgate"
JOB = 25
"""Targets of a job: what a worker that leaves has begun is done again by another."""
POLL = 0.25
CHECK = 2.0
"""Seconds after which it is looked whether each target still has a job."""
IDLE = 5.0
"""Seconds without a worker after which the caller hears of it."""
ATTEMPTS = 3
"""How often a target is put into a job that ends without it."""
STOPPING = 60.0
"""Seconds after a stop in which jobs that have begun may end."""
OVERLAP = 30.0
"""Seconds that are read again: a note is dated before it is committed."""
LIVE = ("todo", "doing")


@frozen
class Assignment:
    """What a job says: some targets of a run, all on one server, and what its driver was given."""

    run: str
    targets: tuple[str, ...]
    reviewed: bool = False
    allow_non_atomic: bool = False


@frozen
class Queue:
    """The queue of an environment, in a schema of the control database."""

    address: DatabaseAddress
    schema: str
    name: str

    @classmethod
    def of(cls, environment: Environment, address: DatabaseAddress, schema: str) -> Queue:
        """The environment's own.

        Raises:
            ConfigurationError: the control database is not PostgreSQL.
        """
        if address.engine != "postgresql":
            raise ConfigurationError(
                f"fleet.control: the queue of the workers cannot be in {address.engine}",
                path=environment.path,
                why="`crew: procrastinate` keeps its jobs in PostgreSQL.",
                do="Name a PostgreSQL database under `fleet: {control: …}`.",
            )
        name = f"lockgate_{sha256([environment.project, environment.name])[:24]}"
        return cls(address, schema, name)

    def app(self, connector: str, **pool: int) -> Any:
        """procrastinate's own object, by one of its connectors; not yet open.

        Raises:
            UsageError: procrastinate is not installed.
        """
        try:
            procrastinate = importlib.import_module("procrastinate")
        except ImportError:
            raise UsageError(
                "The workers of a fleet need the package procrastinate.",
                do="Install it: pip install 'lockgate[fleet]'",
            ) from None
        there = search_in(self.address.renewed(), self.schema)
        options = connection_options(there, "lockgate queue", 10)
        made = getattr(procrastinate, connector)(kwargs=options, **pool)
        return procrastinate.App(connector=made)

    @contextmanager
    def opened(self) -> Iterator[OpenQueue]:
        """The queue for a driver; its tables are made where there are none."""
        with closing(self.app("SyncPsycopgConnector", min_size=1, max_size=2).open()) as app:
            if not app.check_connection():
                app.schema_manager.apply_schema()
            yield OpenQueue(app, self.name)


class OpenQueue:
    """The jobs of a queue."""

    def __init__(self, app: Any, name: str) -> None:
        self._app = app
        self._name = name

    def put(self, assignment: Assignment, lock: str) -> None:
        """One more job; of those with the same lock one is done at a time."""
        deferrer = self._app.configure_task(TASK, queue=self._name, lock=lock)
        deferrer.defer(**asdict(assignment))

    def read_live(self, run: str) -> list[tuple[int, str, tuple[str, ...]]]:
        """The jobs of a run that wait or are under way: id, status, targets."""
        jobs = self._app.job_manager.list_jobs(queue=self._name)
        return [
            (job.id, job.status, tuple(job.task_kwargs["targets"]))
            for job in jobs
            if job.status in LIVE and job.task_kwargs.get("run") == run
        ]

    def withdraw(self, run: str) -> None:
        """Takes back the jobs that wait, and asks those under way to stop after their target."""
        for number, _, _ in self.read_live(run):
            self._app.job_manager.cancel_job_by_id(number, abort=True)


@frozen
class QueueTerms:
    """How tasks become jobs: `template` names the run and what its driver was given; `idle` is
    called once while no worker takes a job. After the `deadline`, by the monotonic clock, the jobs
    that wait are taken back."""

    template: Assignment
    per_host: int
    idle: Callable[[], None]
    deadline: float = math.inf


class QueueCrew:
    """Workers who take jobs from a queue, and note themselves how targets have ended."""

    is_noting = True

    def __init__(self, queue: OpenQueue, coordinator: Coordinator, terms: QueueTerms) -> None:
        self._queue = queue
        self._coordinator = coordinator
        self._terms = terms

    @contextmanager
    def performing(self, tasks: Sequence[Task]) -> Iterator[Shift]:
        """See `Crew`. Jobs of a driver before this one are not put again, but awaited."""
        shift = _QueueShift(self._queue, self._coordinator, self._terms, tasks)
        shift.begin()
        yield shift


class _QueueShift:
    """The tasks whose end is awaited."""

    def __init__(
        self,
        queue: OpenQueue,
        coordinator: Coordinator,
        terms: QueueTerms,
        tasks: Sequence[Task],
    ) -> None:
        self._queue = queue
        self._coordinator = coordinator
        self._terms = terms
        self._run = terms.template.run
        self._left = {task.name: task for task in tasks}
        self._attempts: Counter[str] = Counter()
        self._since: datetime | None = None
        self._began = time.monotonic()
        self._checked = self._began
        self._stopped: float | None = None
        self._is_idle = True

    def begin(self) -> None:
        """Puts what has no job yet."""
        has_job = {name for _, _, names in self._queue.read_live(self._run) for name in names}
        self._put([task for name, task in self._left.items() if name not in has_job])

    def _put(self, tasks: Sequence[Task]) -> None:
        template = self._terms.template
        self._coordinator.await_again(self._run, [task.name for task in tasks])
        for lock, part in share_out(tasks, self._terms.per_host):
            names = tuple(task.name for task in part)
            self._attempts.update(names)
            self._queue.put(
                Assignment(self._run, names, template.reviewed, template.allow_non_atomic), lock
            )

    def __iter__(self) -> Iterator[TargetResult]:
        """See `Shift`."""
        while self._left:
            yield from self._read_new()
            if self._stopped is None and time.monotonic() >= self._terms.deadline:
                self.stop()
            if self._is_over():
                break
            if self._left and time.monotonic() - self._checked >= CHECK:
                yield from self._check()
                self._checked = time.monotonic()
            time.sleep(POLL if self._left else 0)

    def stop(self) -> None:
        """See `Shift`."""
        self._stopped = time.monotonic()
        self._queue.withdraw(self._run)

    def _is_over(self) -> bool:
        """Whether after a stop nothing more is to come, or was awaited for too long."""
        if self._stopped is None:
            return False
        is_late = time.monotonic() - self._stopped > STOPPING
        return is_late or not self._queue.read_live(self._run)

    def _read_new(self) -> Iterator[TargetResult]:
        results, self._since = self._coordinator.read_ended(self._run, self._since, OVERLAP)
        yield from self._take(results)

    def _take(self, results: Iterable[TargetResult]) -> Iterator[TargetResult]:
        for result in results:
            if self._left.pop(result.name, None):
                yield result

    def _check(self) -> Iterator[TargetResult]:
        """Puts those again whose job has ended without them; jobs are looked at first, since a
        worker notes a target before its job ends."""
        live = self._queue.read_live(self._run)
        self._is_idle = self._is_idle and not any(status == "doing" for _, status, _ in live)
        if self._is_idle and time.monotonic() - self._began > IDLE:
            self._terms.idle()
            self._is_idle = False
        lost = self._left.keys() - {name for _, _, names in live for name in names}
        if not lost or self._stopped is not None:
            return
        noted = self._coordinator.read_results(self._run)
        yield from self._take(noted[name] for name in sorted(lost) if _has_ended(noted.get(name)))
        yield from self._put_again(lost & self._left.keys())

    def _put_again(self, lost: Collection[str]) -> Iterator[TargetResult]:
        hopeless = sorted(name for name in lost if self._attempts[name] >= ATTEMPTS)
        self._put([self._left[name] for name in sorted(lost) if name not in hopeless])
        told = f"The workers ended {ATTEMPTS} jobs without it: see what they print."
        results = [TargetResult(name, TargetState.FAILED, told) for name in hopeless]
        self._coordinator.note(self._run, results)
        yield from self._take(results)


def _has_ended(result: TargetResult | None) -> bool:
    return result is not None and result.state != TargetState.WAITING


def share_out(
    tasks: Sequence[Task], per_host: int, size: int = JOB
) -> Iterator[tuple[str, list[Task]]]:
    """The tasks of each job with its lock, the servers in turn: a server has `per_host` locks, so
    that no more jobs of it are under way. The lock's name shows no server.

    >>> tasks = [Task(f"t{n}", 0, 1, "h") for n in range(5)]
    >>> [(lock[-2:], len(part)) for lock, part in share_out(tasks, 2, 2)]
    [('#0', 2), ('#1', 2), ('#0', 1)]
    """
    by_host: dict[str, list[Task]] = {}
    for task in tasks:
        by_host.setdefault(task.host, []).append(task)
    jobs = [_jobs_of(host, own, per_host, size) for host, own in by_host.items()]
    for round_ in zip_longest(*jobs):
        yield from filter(None, round_)


def _jobs_of(
    host: str, tasks: list[Task], per_host: int, size: int
) -> Iterator[tuple[str, list[Task]]]:
    """Small enough that all of the server's locks have some."""
    size = max(1, min(size, -(-len(tasks) // per_host)))
    for number, start in enumerate(range(0, len(tasks), size)):
        yield f"{sha256([host])[:16]}#{number % per_host}", tasks[start : start + size]


def lost_errors() -> tuple[type[Exception], ...]:
    """What procrastinate raises when its database is lost."""
    exceptions = importlib.import_module("procrastinate.exceptions")
    return exceptions.ConnectorException, importlib.import_module("psycopg_pool").PoolTimeout


@contextmanager
def translated_losses() -> Iterator[None]:
    """The block with those errors as Unreachable."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, lost_errors()):
            raise
        raise Unreachable(
            f"The queue of the fleet does not answer: {error.__cause__ or error}",
            why="Workers go on with what they have begun, and nothing more is begun.",
            do="Check the control database; then the same command goes on.",
        ) from error
