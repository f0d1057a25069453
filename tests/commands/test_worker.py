"""`migrate worker`: a fleet's run that other processes do, by jobs in the control database."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.fleets import Fleet, opened
from tests.commands.running import DEADLINE, refused, succeed
from tests.servers.openssh import new_person
from tests.servers.process import wait_until

QUEUE = "crew: procrastinate\nper_host: 2\n"


@pytest.fixture
def fleet(tmp_path: Path, postgres_server: Any) -> Iterator[Fleet]:
    """Six schemas of a PostgreSQL database, and workers."""
    with opened(tmp_path, postgres_server, "abcdef") as fleet:
        fleet.configure(QUEUE)
        yield fleet


def start(fleet: Fleet, *options: str, **context: Any) -> Any:
    return fleet.project.start("worker", "-e", "live", *options, **context)


def await_jobs(fleet: Fleet, count: int) -> None:
    """Returns when so many jobs wait."""

    def are_there() -> bool:
        (exists,) = fleet.run(fleet.home, "select to_regclass('procrastinate_jobs')")[0]
        return bool(exists) and len(fleet.run(fleet.home, "table procrastinate_jobs")) == count

    wait_until(are_there, f"{count} jobs wait")


def end(process: Any, number: int = signal.SIGTERM) -> str:
    """What a worker has told when a signal ended it."""
    process.send_signal(number)
    return str(process.communicate(timeout=DEADLINE)[1])


def test_a_worker_applies_what_the_driver_hands_out(fleet: Fleet) -> None:
    fleet.plan()
    worker = start(fleet, "--jobs", "2", "-v")
    result = succeed(fleet.migrate("apply", "plan.json", "--receipt", "done.json"))
    assert "6 of 6 targets applied" in result.out
    told = end(worker)
    assert worker.returncode == 0, told
    assert "6 targets applied." in told
    assert fleet.states() == dict.fromkeys("abcdef", "up to date")
    receipt = json.loads((fleet.project.folder / "done.json").read_text())
    runs = {fleet.run(name, "select id from lockgate_runs")[0][0] for name in fleet.names}
    assert {one["run"] for one in receipt["targets"]} == runs
    assert fleet.run(fleet.home, "select count(*) from procrastinate_jobs") == [(0,)]


def test_a_job_holds_names_alone_and_a_driver_that_ends_takes_it_back(fleet: Fleet) -> None:
    fleet.plan()
    driver = fleet.project.start("apply", "plan.json")
    await_jobs(fleet, 2)
    text = str(fleet.run(fleet.home, "select args, lock, queue_name from procrastinate_jobs"))
    hidden = (fleet.server.host, str(fleet.server.port), "create table", fleet.project.url)
    assert [word for word in hidden if word in text] == []
    end(driver)
    assert driver.returncode == 143
    assert fleet.run(fleet.home, "select 1 from procrastinate_jobs where status = 'todo'") == []
    assert fleet.states() == dict.fromkeys("abcdef", "pending")


def test_each_worker_asks_for_approvals_itself(fleet: Fleet, openssh: None) -> None:
    ann = new_person(fleet.project.folder / "keys", "ann@example.com")
    (fleet.project.folder / "environments" / "allowed_signers").write_text(ann.line())
    fleet.configure(QUEUE, "policy: {approvals: {threshold: 1}}\n")
    fleet.plan()
    succeed(fleet.migrate("approve", "plan.json", "--key", str(ann.key), "--yes"))
    driver = fleet.project.start("apply", "plan.json")
    await_jobs(fleet, 2)
    kept = fleet.run(fleet.home, "delete from lockgate_fleet_signature returning text")
    assert len(kept) == 1
    worker = start(fleet)
    told = driver.communicate(timeout=DEADLINE)[1]
    assert driver.returncode == 4, told
    assert "refused: " in told
    assert "Needed: 1 approval" in told
    end(worker)
    assert fleet.states() == dict.fromkeys("abcdef", "pending")
    worker = start(fleet)
    succeed(fleet.migrate("apply", "plan.json"))
    end(worker)
    assert fleet.states() == dict.fromkeys("abcdef", "up to date")


def test_jobs_that_wait_are_taken_back_when_the_time_of_a_run_is_over(fleet: Fleet) -> None:
    fleet.plan()
    told = refused(fleet.migrate("apply", "plan.json", "--max-time", "1s"), 12, "--max-time")
    assert "6 waiting" in told.err
    (left,) = fleet.run(
        fleet.home, "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
    )
    assert left == (0,)
