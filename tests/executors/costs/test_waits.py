"""What other sessions wait for a run is seen, told by its step, and kept, on every engine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lockgate.executors.costs import waits
from lockgate.executors.engine import Look
from lockgate.executors.events import OthersWaited, StatementProgressed
from lockgate.executors.receipts import find_receipt
from tests.commands.blocking import wait_until_blocked
from tests.executors.building import Recorder, apply_plan, apply_up, open_test_engine, plan_for
from tests.servers.process import wait_until

BASE = {"001_t": "create table t (id int);", "002_u": "create table u (id int);"}
BUSY = BASE | {"003_v": "create table v (id int);", "004_t": "alter table t add column n int;"}


@contextmanager
def counting_looks(engine: Any) -> Iterator[list[int]]:
    """How many sessions each look at a run has found."""
    looks, counting = list[int](), engine.session.looking_on

    @contextmanager
    def counted() -> Iterator[Callable[[], Look]]:
        with counting() as ask:

            def look() -> Look:
                found: Look = ask()
                looks.append(len(found.waiting))
                return found

            yield look

    engine.session.looking_on = counted
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


def test_how_far_a_statement_is_comes_from_a_second_session(
    family_server: Any, family_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Recorder()
    with (
        open_test_engine(family_server, family_database, timeouts={"lock": "60s"}) as engine,
        family_server.connect(family_database) as reader,
        reader.cursor() as cursor,
    ):
        apply_up(engine, BASE)
        for sql in ("begin", "select * from t"):
            cursor.execute(sql)
        plan = plan_for(engine, BASE | {"003_t": "alter table t add column n int;"})
        run = threading.Thread(target=lambda: apply_plan(engine, plan, emit=told))
        run.start()
        wait_until(lambda: told.of(StatementProgressed), "it is told that the run waits")
        cursor.execute("commit")
        run.join()
    first = told.of(StatementProgressed)[0]
    assert (first.running, first.phase) == ("alter table t", "Waiting for table metadata lock")
    assert first.seconds >= 1


ROWS = (
    "create table t (id int primary key auto_increment, n varchar(100))",
    "insert into t (n) values ('x'), ('y'), ('z'), ('u')",
    *["insert into t (n) select uuid() from t"] * 14,
)


def test_the_stages_of_an_alter_table_are_counted(family_server: Any, family_database: str) -> None:
    is_mysql = family_server.engine == "mysql"
    consumer = "update performance_schema.setup_consumers set enabled = '{}' where name = "
    consumer += "'events_stages_current'"
    seen: list[StatementProgressed] = []
    with (
        open_test_engine(family_server, family_database) as engine,
        engine.session.looking_on() as look,
        family_server.connect(family_database) as admin,
        admin.cursor() as cursor,
    ):
        for sql in (*ROWS, *[consumer.format("YES")] * is_mysql, "commit"):
            cursor.execute(sql)
        alter = "alter table t add index (n), algorithm = copy"
        work = threading.Thread(target=lambda: engine.session.run_statement(alter))
        work.start()
        while work.is_alive():
            progress = look().progress
            seen += [progress] if progress and progress.done else []
        if is_mysql:
            cursor.execute(consumer.format("NO"))
    assert seen
    assert {one.running for one in seen} == {"alter table t"}
    assert all(0 < one.done <= one.total for one in seen if one.done and one.total)
    assert any("copy" in one.phase for one in seen)


def test_a_role_that_sees_no_stages_sees_the_state(
    family_server: Any, family_database: str
) -> None:
    with family_server.connect(family_database) as admin, admin.cursor() as cursor:
        cursor.execute("create user onlooker identified by 'pw'")
        cursor.execute(f"grant all on `{family_database}`.* to onlooker")
    place = family_server.url(family_database).rpartition("@")[2]
    url = f"{family_server.engine}://onlooker:pw@{place}"
    try:
        with (
            open_test_engine(family_server, family_database, database={"url": url}) as engine,
            engine.session.looking_on() as look,
        ):
            work = threading.Thread(target=lambda: engine.session.execute("select sleep(1)"))
            work.start()
            seen = []
            while work.is_alive():
                seen += [progress] if (progress := look().progress) else []
        assert "User sleep" in {one.phase for one in seen}
        assert {one.done for one in seen} == {None}
    finally:
        with family_server.connect(family_database) as admin, admin.cursor() as cursor:
            cursor.execute("drop user onlooker")
