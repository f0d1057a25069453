"""What other sessions wait for a run is seen, told by its step, and kept, on every engine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lockgate.executors.costs import waits
from lockgate.executors.events import OthersWaited
from lockgate.executors.receipts import find_receipt
from tests.commands.blocking import wait_until_blocked
from tests.executors.building import Recorder, apply_plan, apply_up, open_test_engine, plan_for
from tests.servers.process import wait_until

BASE = {"001_t": "create table t (id int);", "002_u": "create table u (id int);"}
BUSY = BASE | {"003_v": "create table v (id int);", "004_t": "alter table t add column n int;"}


@contextmanager
def counting_looks(engine: Any) -> Iterator[list[int]]:
    """How many sessions each look at a run has found."""
    looks, counting = list[int](), engine.session.counting_waits

    @contextmanager
    def counted() -> Iterator[Callable[[], list[float]]]:
        with counting() as ask:

            def look() -> list[float]:
                found: list[float] = ask()
                looks.append(len(found))
                return found

            yield look

    engine.session.counting_waits = counted
    yield looks


def test_what_others_wait_is_told_of_the_step_and_kept_with_the_run(
    any_server: Any, any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Recorder()
    with (
        open_test_engine(any_server, any_database, timeouts={"lock": "60s"}) as engine,
        any_server.connect(any_database) as reader,
        any_server.connect(any_database) as writer,
    ):
        with counting_looks(engine) as looks:
            apply_up(engine, BASE)
            assert looks == []
            monkeypatch.setattr(waits, "AFTER", 0.0)
            monkeypatch.setattr(waits, "EVERY", 0.02)
            for sql in ("begin", "select * from t"):
                reader.cursor().execute(sql)
            plan = plan_for(engine, BUSY)
            run = threading.Thread(target=lambda: apply_plan(engine, plan, emit=told))
            run.start()
            wait_until_blocked(any_server, any_database)
            # It queues behind the run, which waits for the reader.
            write = threading.Thread(
                target=lambda: writer.cursor().execute("insert into t (id) values (1)")
            )
            write.start()
            wait_until(lambda: any(looks), "the writer is seen to wait")
            reader.cursor().execute("commit")
            run.join()
            write.join()
        waited = told.of(OthersWaited)  # for the step, and perhaps for its commit
        assert {(one.number, one.step.version, one.sessions) for one in waited} == {(2, "004", 1)}
        seconds = sum(one.seconds for one in waited)
        assert 0 < seconds < 60
        (newest, oldest) = engine.store.runs.read_runs(2)
        assert (newest.waited, oldest.waited) == (round(seconds * 1000), 0)
        receipt = find_receipt(plan, engine)
        assert receipt is not None
        first, second = receipt.steps
        assert first.cost is None
        assert second.cost is not None
        assert second.cost.others_waited_ms == newest.waited
        assert (second.cost.others_waiting, second.cost.batches) == (1, None)


def test_a_run_that_goes_on_adds_to_what_was_noted_before() -> None:
    noted = waits._added({}, {1: (1.5, 2)})
    both = waits._added(noted, {1: (0.25, 3), 2: (4.0, 1)})
    assert [(n, both[n].others_waited_ms, both[n].others_waiting) for n in both] == [
        (1, 1750, 3),
        (2, 4000, 1),
    ]
