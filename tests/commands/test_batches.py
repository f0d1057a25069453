"""Runs of batches from the outside: killed, stopped, paused from another shell, and resumed."""

import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.blocking import PATIENT
from tests.commands.running import DEADLINE, Project, Result, refused, succeed
from tests.faults.batches import ROWS, check, kill_at_random, prepare, reset
from tests.servers.process import wait_until

SAMPLE = 5
WAITS_FOR_ROWS = {
    "postgresql": "select 1 from pg_stat_activity where wait_event_type = 'Lock'",
    "mysql": "select 1 from information_schema.processlist where info like 'update t set n%'",
}
SLOW = "pause=400ms size=100 target=1h"


@pytest.fixture
def project(any_server: Any, any_database: str, tmp_path: Path) -> Iterator[Project]:
    """A project with a table of 4000 rows and one migration in batches."""
    made = prepare(any_server, any_database, tmp_path)
    yield made
    made.close()


def slow_down(project: Project) -> None:
    """Lets the migration run for so long that others can act meanwhile."""
    path = project.migrations / "001_add.sql"
    path.write_text(path.read_text().replace("size=20 target=8ms", SLOW, 1))


def wait_for_batches(process: Any, count: int) -> None:
    """Returns when a run with `--json` has said that so many batches are done."""
    for line in process.stdout:
        count -= json.loads(line)["event"] == "batch_committed"
        if count <= 0:
            return
    raise AssertionError("the run has ended")


def batches(project: Project) -> Any:
    """What `status --json` says of the one step in batches."""
    (found,) = project.migrate("status", "--json").document["batches"]
    return found


def test_a_run_that_is_killed_at_random_does_each_row_once(
    any_server: Any, any_database: str, tmp_path: Path
) -> None:
    seed = random.randrange(1 << 30)
    try:
        kill_at_random(any_server, any_database, tmp_path, SAMPLE, seed)
    except AssertionError as error:
        raise AssertionError(f"with the seed {seed}") from error


def test_a_signal_stops_it_and_up_goes_on(
    any_server: Any, any_database: str, project: Project
) -> None:
    slow_down(project)
    process = project.start("up", "--json")
    wait_for_batches(process, 2)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode in (7, 143), (out, err)
    succeed(project.migrate("up"))
    check(any_server, any_database)
    reset(any_server, any_database, project)


def test_a_signal_before_the_first_batch_has_ended_leaves_nothing_half_done(
    any_server: Any, any_database: str, project: Project
) -> None:
    project.configure(PATIENT)
    waits = WAITS_FOR_ROWS["postgresql" if any_server.engine == "postgresql" else "mysql"]
    with any_server.connect(any_database) as other, other.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("update t set n = n")
        process = project.start("up")
        with any_server.connect(any_database) as third, third.cursor() as looking:
            wait_until(lambda: looking.execute(waits) and looking.fetchone(), "the batch waits")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=DEADLINE)
        cursor.execute("rollback")
    refused(Result(process.returncode, out, err), 143, "Everything that this run had done was")
    succeed(project.migrate("up"))
    check(any_server, any_database)


def test_max_time_stops_it_with_12_and_the_same_command_goes_on(
    any_server: Any, any_database: str, project: Project
) -> None:
    slow_down(project)
    succeed(project.migrate("plan"))
    stopped = refused(
        project.migrate("apply", "plan.json", "--max-time", "600ms"), 12, "the time was up",
        "Run the same command again",
    )  # fmt: skip
    assert "001_add.sql" in stopped.err
    done = batches(project)
    assert 0 < done["rows"] < ROWS
    status = project.migrate("status")
    assert status.code == 12
    assert "Run the same command again" in status.err
    assert f"001 add: {done['rows']:,} rows" in status.out
    assert "half done" in status.out
    refused(project.migrate("up", "--max-time", "soon"), 64, "max-time")
    receipt = project.folder / "receipt.json"
    succeed(project.migrate("apply", "plan.json", "--receipt", str(receipt)))
    check(any_server, any_database)
    (step,) = json.loads(receipt.read_text())["steps"]
    assert (step["cost"]["rows"], step["cost"]["batches"] > 1) == (ROWS, True)
    (run,) = project.migrate("history", "--json", "-n", "1").document["runs"]
    assert f"{step['cost']['batches']} batches in " in project.migrate("history", run["id"]).out


def test_it_is_paused_and_resumed_from_another_shell(
    any_server: Any, any_database: str, project: Project
) -> None:
    slow_down(project)
    refused(project.migrate("pause"), 64, "No run of batches is under way")
    process = project.start("up", "--json")
    wait_for_batches(process, 2)
    assert "Paused" in succeed(project.migrate("pause")).out
    wait_until(lambda: batches(project)["waits_for"].startswith("paused"), "the run is paused")
    before = batches(project)
    assert "@" in before["paused_by"]
    assert "paused by" in project.migrate("status").out
    project.configure("lock: {wait: 1s}\n")
    refused(project.migrate("up"), 5, "has paused", "migrate resume")
    assert batches(project)["batches"] == before["batches"]
    succeed(project.migrate("resume"))
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, (out, err)
    check(any_server, any_database)


def test_a_plan_with_locks_tells_which_transactions_are_open(
    any_server: Any, any_database: str, project: Project
) -> None:
    project.write("002_alter.sql", "alter table t add column x int not null default 0;")
    with any_server.connect(any_database) as connection, connection.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select count(*) from t")

        def is_told() -> bool:
            planned = succeed(project.migrate("plan", "--force"))
            return "Transactions that are open now" in planned.err and ", pid " in planned.err

        wait_until(is_told, "the transaction is a second old, and the plan tells of it")
        cursor.execute("rollback")


def test_a_plan_with_locks_tells_which_sessions_a_run_may_end(
    postgres_url: str, tmp_path: Path
) -> None:
    endings = "blockers: {cancel: autovacuum, terminate_idle_in_transaction: 30s}\n"
    project = Project(tmp_path, postgres_url, settings=endings)
    project.write("001_t.sql", "create table t (id int);")
    succeed(project.migrate("up"))
    project.write("002_alter.sql", "alter table t add column x int;")
    planned = succeed(project.migrate("plan"))
    assert (
        "ends, as `blockers` says: autovacuum, and those idle in a transaction for 30s"
    ) in planned.err
