"""The driver of a fleet's run, on a coordinator's tables of real servers; the crew's work is a
function, since what is done with a target is not its affair."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lockgate.executors.fleet.coordinator import Coordinator
from lockgate.executors.fleet.crew import TargetResult, TargetState, Task
from lockgate.executors.fleet.driver import LATE, Drive, Driver, RunTerms, Watcher
from lockgate.executors.fleet.local import LocalCrew
from lockgate.planner.errors import Interrupted, Locked
from lockgate.planner.fleet.fleet_plan import FleetPlan
from tests.executors.building import open_test_engine
from tests.planner.fleet.test_fleet_plan import fleet_plan, target

NAMES = tuple("abcdef")
Work = Callable[[Task], TargetResult]


def waves(*sizes: int) -> tuple[FleetPlan, list[Task]]:
    """A plan whose targets are in waves of these sizes, and its tasks."""
    numbers = [wave for wave, size in enumerate(sizes, 1) for _ in range(size)]
    plan = fleet_plan(*NAMES[: len(numbers)])
    targets = tuple(
        target(name).model_copy(update={"wave": wave})
        for name, wave in zip(NAMES[: len(numbers)], numbers, strict=True)
    )
    group = plan.groups[0].model_copy(update={"targets": targets})
    return plan.model_copy(update={"groups": (group,)}), [
        Task(one.name, 0, one.wave, "h") for one in targets
    ]


class Runs:
    """Runs of a plan on one coordinator, with what each began."""

    def __init__(self, coordinator: Coordinator) -> None:
        self.coordinator = coordinator
        self.begun: list[str] = []

    def drive(
        self,
        plan: FleetPlan,
        tasks: list[Task],
        failing: str = "",
        *,
        total: int = 0,
        check: str = "",
        watcher: Watcher | None = None,
        soak: float = 0.0,
        seconds: float = math.inf,
    ) -> Drive:
        self.begun = []

        def work(task: Task) -> TargetResult:
            self.begun.append(task.name)
            state = TargetState.FAILED if task.name in failing else TargetState.APPLIED
            return TargetResult(task.name, state)

        deadline = time.monotonic() + seconds
        crew = LocalCrew(work, parallel=1, per_host=1, deadline=deadline)
        terms = RunTerms(total, 99, None, soak, lambda: check, deadline)
        with self.coordinator.driving(lambda event: None):
            noted = self.coordinator.begin(plan, "ann", ())
            driver = Driver(plan, tasks, crew, self.coordinator, terms, watcher or Watcher())
            return driver.drive("ann", afresh=noted.state == "finished")

    def state(self, plan: FleetPlan) -> tuple[str, str]:
        run = self.coordinator.find_run(plan)
        assert run is not None
        return run.state, run.reason


@contextmanager
def opened(server: Any, database: str) -> Iterator[Runs]:
    with open_test_engine(server, database) as engine:
        yield Runs(Coordinator(engine))


@pytest.fixture
def runs(any_server: Any, any_database: str) -> Iterator[Runs]:
    """A coordinator on each of the three servers in turn."""
    with opened(any_server, any_database) as found:
        yield found


def test_waves_are_done_in_their_order_and_noted(runs: Runs) -> None:
    plan, tasks = waves(1, 2, 3)
    runs.drive(plan, tasks)
    assert runs.begun == list(NAMES)
    assert runs.state(plan) == ("finished", "")
    noted = runs.coordinator.read_results(plan.digest)
    assert {result.state for result in noted.values()} == {TargetState.APPLIED}
    assert "lockgate-fleet" in runs.coordinator.read_plan_text(plan.digest)


def test_too_many_failures_pause_and_what_is_applied_is_not_done_again(runs: Runs) -> None:
    plan, tasks = waves(3, 3)
    assert "failures.total" in runs.drive(plan, tasks, failing="c").paused
    assert runs.begun == ["a", "b", "c"]
    assert runs.state(plan)[0] == "paused"
    assert not runs.drive(plan, tasks).paused
    assert runs.begun == ["c", "d", "e", "f"]


def test_a_check_pauses_between_waves_and_not_after_the_last(runs: Runs) -> None:
    plan, tasks = waves(1, 1)
    assert runs.drive(plan, tasks, check="stop").paused == "stop"
    assert runs.drive(plan, tasks).paused == ""
    one, only = waves(2)
    assert runs.drive(one, only, check="stop").paused == ""


def test_a_run_that_has_ended_asks_every_target_again(runs: Runs) -> None:
    plan, tasks = waves(2)
    runs.drive(plan, tasks)
    runs.drive(plan, tasks)
    assert runs.begun == ["a", "b"]


def test_a_signal_lets_what_runs_end_and_notes_it(runs: Runs) -> None:
    plan, tasks = waves(1, 2)

    def interrupt(result: TargetResult) -> None:
        raise Interrupted(2)

    done = runs.drive(plan, tasks, watcher=Watcher(result=interrupt))
    assert done.signal is not None
    assert done.signal.signal_number == 2
    assert runs.state(plan) == ("paused", "interrupted")
    assert runs.coordinator.read_results(plan.digest)["a"].state == TargetState.APPLIED


def test_a_signal_after_the_last_target_is_told_with_what_was_applied(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, tasks = waves(2)

    def interrupt(digest: str) -> None:
        raise Interrupted(2)

    with monkeypatch.context() as patched:
        patched.setattr(runs.coordinator, "finish", interrupt)
        done = runs.drive(plan, tasks)
    assert done.signal is not None
    assert {result.state for result in done.results.values()} == {TargetState.APPLIED}
    runs.drive(plan, tasks)
    assert runs.state(plan) == ("finished", "")


def test_two_drivers_cannot_both_advance_a_run(
    any_server: Any, any_database: str, runs: Runs
) -> None:
    plan, tasks = waves(1)
    with (
        opened(any_server, any_database) as other,
        other.coordinator.driving(lambda event: None),
        pytest.raises(Locked),
    ):
        runs.drive(plan, tasks)
    assert runs.begun == []


def test_what_targets_say_replaces_what_is_noted(runs: Runs) -> None:
    plan, tasks = waves(2)
    runs.drive(plan, tasks)
    runs.coordinator.rebuild(plan, [TargetResult("b", TargetState.APPLIED)])
    noted = runs.coordinator.read_results(plan.digest)
    assert {name: str(one.state) for name, one in noted.items()} == {"a": "waiting", "b": "applied"}


def test_when_its_time_is_over_a_run_pauses_and_goes_on_later(runs: Runs) -> None:
    plan, tasks = waves(1, 2)
    assert runs.drive(plan, tasks, seconds=0).paused == LATE
    assert (runs.begun, runs.state(plan)) == ([], ("paused", LATE))
    assert not runs.drive(plan, tasks).paused
    assert runs.begun == ["a", "b", "c"]


def test_a_run_does_not_soak_beyond_its_time(runs: Runs) -> None:
    plan, tasks = waves(1, 2)
    assert runs.drive(plan, tasks, soak=3600, seconds=0.3).paused == LATE
    assert runs.begun in ([], ["a"])
