"""The crew of threads: limits hold, and nothing is begun after a stop."""

import time
from collections import Counter
from threading import Barrier, Event, Lock

import pytest

from lockgate.executors.fleet.crew import TargetResult, TargetState, Task
from lockgate.executors.fleet.local import LocalCrew


def tasks(count: int, hosts: int = 1) -> list[Task]:
    return [Task(f"t{number:02}", 0, 1, f"h{number % hosts}") for number in range(count)]


def done(task: Task) -> TargetResult:
    return TargetResult(task.name, TargetState.APPLIED)


def test_every_task_is_done_once() -> None:
    crew = LocalCrew(done, parallel=8, per_host=8)
    with crew.performing(tasks(50)) as work:
        assert sorted(result.name for result in work) == [task.name for task in tasks(50)]


def test_no_more_than_so_many_are_at_work_on_a_host() -> None:
    at_work: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock, met = Lock(), Barrier(4, timeout=60)

    def work(task: Task) -> TargetResult:
        with lock:
            at_work[task.host] += 1
            most[task.host] = max(most[task.host], at_work[task.host])
        met.wait()  # two of each host are there at once
        with lock:
            at_work[task.host] -= 1
        return done(task)

    with LocalCrew(work, parallel=8, per_host=2).performing(tasks(16, hosts=2)) as working:
        assert len(list(working)) == 16
    assert most == {"h0": 2, "h1": 2}


def test_after_a_stop_what_runs_ends_and_nothing_is_begun() -> None:
    begun: list[str] = []
    go_on = Event()

    def work(task: Task) -> TargetResult:
        begun.append(task.name)
        go_on.wait(60)
        return done(task)

    with LocalCrew(work, parallel=1, per_host=1).performing(tasks(9)) as working:
        while not begun:
            pass
        working.stop()
        go_on.set()
        assert [result.name for result in working] == begun == ["t00"]


def test_a_host_that_is_not_ready_waits_and_the_others_go_on() -> None:
    ready = Event()

    def work(task: Task) -> TargetResult:
        if task.host == "h1":
            ready.set()
        return done(task)

    crew = LocalCrew(
        work, parallel=2, per_host=2, is_ready=lambda host: host == "h1" or ready.is_set()
    )
    with crew.performing(tasks(2, hosts=2)) as working:
        assert next(iter(working)).name == "t01"


def test_what_the_work_raises_is_raised_where_results_are_awaited() -> None:
    def work(task: Task) -> TargetResult:
        raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        LocalCrew(work, parallel=2, per_host=2).performing(tasks(3)) as working,
    ):
        list(working)


def test_after_the_deadline_what_runs_ends_and_nothing_is_begun() -> None:
    deadline = time.monotonic() + 0.2
    begun: list[str] = []

    def work(task: Task) -> TargetResult:
        begun.append(task.name)
        while time.monotonic() < deadline:
            pass
        return done(task)

    with LocalCrew(work, parallel=1, per_host=1, deadline=deadline).performing(tasks(9)) as working:
        assert [result.name for result in working] == begun
    assert len(begun) <= 1


def test_those_that_wait_for_a_host_wait_until_the_deadline() -> None:
    deadline = time.monotonic() + 0.1
    crew = LocalCrew(done, parallel=3, per_host=1, is_ready=lambda host: False, deadline=deadline)
    with crew.performing(tasks(9)) as working:
        assert list(working) == []
