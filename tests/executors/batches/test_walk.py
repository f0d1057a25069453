"""Statements in batches on every engine: each row once, whatever the key is."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from lockgate.executors.apply import apply
from lockgate.executors.batches.progress import ask_pause, read_open
from lockgate.executors.events import BatchCommitted, BatchesHeld
from lockgate.executors.states import RunStatus
from lockgate.planner.errors import Locked, Paused, StatementFailed, Unreachable, Unresolved
from tests.executors.building import (
    AUTHOR,
    Recorder,
    apply_plan,
    apply_up,
    by_hand,
    open_test_engine,
    plan_for,
)

UP = "-- migrate:up\n"
PLUS_ONE = "update t set n = n + 1 where {key} > ({{{{lo}}}}) and {key} <= ({{{{hi}}}});\n"


@pytest.fixture
def engine(any_server: Any, any_database: str) -> Iterator[Any]:
    """A session on a fresh database."""
    with open_test_engine(any_server, any_database) as opened:
        yield opened


@pytest.fixture
def other(any_server: Any, any_database: str) -> Iterator[Any]:
    """A second session on the same database."""
    with open_test_engine(any_server, any_database) as opened:
        yield opened


def make_table(engine: Any, columns: str, key: str, values: list[str]) -> None:
    """The table t with these rows of keys, and the count n of how often a row was changed."""
    hand = by_hand(engine)
    hand.execute(f"create table t ({columns}, n int not null default 0)")
    hand.execute(f"insert into t ({key}) values {', '.join(values)}")


def in_batches(key: str, options: str = "size=3", until: str = "") -> dict[str, str]:
    spelled = f"({key})" if "," in key else key
    told = f"-- migrate:until {until}\n" if until else ""
    return {
        "001_add": f"{UP}-- migrate:batch key={key} {options}\n{PLUS_ONE.format(key=spelled)}{told}"
    }


def changed(engine: Any) -> list[tuple[int, int]]:
    """How many rows were changed how often."""
    found = by_hand(engine).query_all("select n, count(*) from t group by n order by n")
    return [(int(n), int(count)) for n, count in found]


TEXTS = ("", "a", "b", "c%s", "it''s", "{{lo}}", "d\\\\", "1", "10", "é", "$1")
KEYS = {
    "int": ("id int not null primary key", "id", [f"({n * n - 40})" for n in range(20)]),
    "bigint": (
        "id bigint not null primary key",
        "id",
        [f"({9223372036854775807 - n})" for n in range(10)] + ["(-9223372036854775808)"],
    ),
    "text": (
        "id varchar(20) not null unique",
        "id",
        [f"('{text}')" for text in TEXTS],
    ),
    "decimal": (
        "id decimal(30, 10) not null primary key",
        "id",
        [f"({n}.{n:010})" for n in range(12345678901234567, 12345678901234578)],
    ),
    "date": ("id date not null primary key", "id", [f"('2024-02-{n:02}')" for n in range(1, 12)]),
    "uuid": (
        "id {uuid} not null primary key",
        "id",
        [f"('{UUID(int=n * 0xFEDCBA9876543210FEDCBA9876543 << 8, version=v)}')" for n in range(9)
         for v in (1, 4)],
    ),
    "two": (
        "a int not null, b varchar(9) not null, unique (a, b)",
        "a,b",
        [f"({a}, '{b}')" for a in (1, 2, 5) for b in ("", "x", "y", "z")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KEYS)
def test_each_row_is_changed_once_by_any_key(engine: Any, kind: str) -> None:
    columns, key, values = KEYS[kind]
    uuid = "char(36)" if engine.server.dialect.name == "mysql" else "uuid"
    make_table(engine, columns.replace("{uuid}", uuid), key, values)
    heard = Recorder()
    apply_up(engine, in_batches(key), emit=heard)
    assert changed(engine) == [(1, len(values))]
    batches = heard.of(BatchCommitted)
    assert len(batches) > 1
    assert sum(batch.rows for batch in batches) == len(values)


def make_numbers(engine: Any, count: int) -> None:
    columns, key, _ = KEYS["int"]
    make_table(engine, columns, key, [f"({n})" for n in range(1, count + 1)])


def test_a_table_without_rows_has_no_batches(engine: Any) -> None:
    by_hand(engine).execute("create table t (id int not null primary key, n int not null)")
    heard = Recorder()
    apply_up(engine, in_batches("id"), emit=heard)
    assert heard.of(BatchCommitted) == []
    assert [entry.version for entry in engine.store.read_ledger().entries] == ["001"]


def test_a_table_of_the_same_plan_is_walked(engine: Any) -> None:
    made = "create table t (id int not null primary key, n int not null default 0);\n"
    rows = "insert into t (id) values (1), (2), (3), (4), (5);\n"
    apply_up(engine, {"000_make": f"{UP}{made}{rows}", **in_batches("id")})
    assert changed(engine) == [(1, 5)]


def test_batches_grow_to_what_their_time_allows(engine: Any) -> None:
    make_numbers(engine, 60)
    heard = Recorder()
    apply_up(engine, in_batches("id", "size=2 target=1h"), emit=heard)
    assert [batch.rows for batch in heard.of(BatchCommitted)] == [2, 4, 8, 16, 20, 10]


def test_rows_that_come_behind_the_walk_are_found_by_until(engine: Any, other: Any) -> None:
    make_numbers(engine, 9)

    def come_late(event: Any) -> None:
        if isinstance(event, BatchCommitted) and event.batch == 2:
            by_hand(other).execute("insert into t (id) values (-1), (100)")

    migration = in_batches("id", until="not exists (select 1 from t where n = 0)")
    sql = migration["001_add"].replace("<= ({{hi}})", "<= ({{hi}}) and n = 0")
    apply_up(engine, {"001_add": sql}, emit=come_late)
    assert changed(engine) == [(1, 11)]


def test_what_until_says_is_proved_or_the_step_is_not_recorded(engine: Any) -> None:
    make_numbers(engine, 5)
    migration = in_batches("id", until="exists (select 1 from t where n = 7)")
    sql = migration["001_add"].replace("<= ({{hi}})", "<= ({{hi}}) and n = 0")
    plan = plan_for(engine, {"001_add": sql})
    with pytest.raises(Unresolved, match="does not hold"):
        apply_plan(engine, plan)
    assert engine.store.read_ledger().entries == ()
    by_hand(engine).execute("update t set n = 7 where id = 2")
    apply_plan(engine, plan)
    assert changed(engine) == [(1, 4), (7, 1)]


def test_a_batch_that_is_refused_keeps_those_before_it(engine: Any) -> None:
    make_numbers(engine, 12)
    by_hand(engine).execute("alter table t add constraint low check (id <> 8 or n = 0)")
    plan = plan_for(engine, in_batches("id", "size=3 target=1ms"))
    with pytest.raises(Unresolved, match="stopped in batch") as stopped:
        apply_plan(engine, plan)
    assert "are kept" in stopped.value.why
    (kept, done) = changed(engine)
    assert kept[0] == 0
    assert 0 < done[1] < 8
    by_hand(engine).execute("alter table t drop constraint low")
    apply_plan(engine, plan)
    assert changed(engine) == [(1, 12)]


def test_a_first_batch_that_is_refused_leaves_nothing(engine: Any) -> None:
    make_numbers(engine, 3)
    by_hand(engine).execute("alter table t add constraint low check (n = 0)")
    with pytest.raises(StatementFailed, match="failed"):
        apply_up(engine, in_batches("id"))
    ledger = engine.store.read_ledger()
    assert (ledger.entries, ledger.unresolved) == ((), ())


UNFIT = {
    "no unique index": "id int not null, n int not null",
    "may be null": "id int unique, n int not null",
    "has no column": "a int not null primary key, id2 int, n int not null",
}


@pytest.mark.parametrize("why", UNFIT)
def test_a_key_that_could_miss_rows_is_refused(engine: Any, why: str) -> None:
    by_hand(engine).execute(f"create table t ({UNFIT[why]})")
    with pytest.raises(StatementFailed, match=why):
        apply_up(engine, in_batches("id"))
    assert engine.store.read_ledger().unresolved == ()


def test_a_part_of_a_unique_key_is_none(engine: Any) -> None:
    by_hand(engine).execute("create table t (a int not null, id int not null, unique (a, id))")
    with pytest.raises(StatementFailed, match="no unique index on"):
        apply_up(engine, {"001_x": in_batches("id")["001_add"].replace("n = n + 1", "a = 1")})


def test_a_deadline_stops_between_batches_and_the_same_plan_goes_on(engine: Any) -> None:
    make_numbers(engine, 40)
    plan = plan_for(engine, in_batches("id", "size=2 target=1ms pause=10ms"))
    times = 0
    while engine.store.read_ledger().entries == ():
        author = replace(AUTHOR, deadline=time.monotonic() + 0.1)
        times += 1
        with suppress(Paused):
            apply(plan, engine, author, wait=0, emit=Recorder())
        status = engine.store.runs.read_runs(1)[0].status
        assert status in (RunStatus.PAUSED, RunStatus.COMMITTED)
    assert times > 1
    assert changed(engine) == [(1, 40)]


def test_a_run_that_lost_the_lock_writes_no_batch(engine: Any, other: Any) -> None:
    make_numbers(engine, 9)

    def steal(event: Any) -> None:
        if isinstance(event, BatchCommitted) and event.batch == 1:
            engine.lock.release()

    with pytest.raises(Locked, match="lock was lost"):
        apply_up(engine, in_batches("id", "size=3 target=1ms"), emit=steal)
    assert changed(other) == [(0, 6), (1, 3)]


def test_a_pause_holds_the_next_batch_until_somebody_lets_it_go_on(engine: Any, other: Any) -> None:
    make_numbers(engine, 30)
    told: list[str] = []

    def pausing(event: Any) -> None:
        if isinstance(event, BatchCommitted) and event.batch == 2:
            (progress,) = read_open(other.store)
            ask_pause(other.store, progress, "ann@laptop")
        if isinstance(event, BatchesHeld):
            told.append(event.reason)
            (progress,) = read_open(other.store)
            assert progress.batches == 2
            ask_pause(other.store, progress, "")

    apply_up(engine, in_batches("id", "size=3 target=1ms"), emit=pausing)
    assert told[0].startswith("paused: by ann@laptop")
    assert changed(engine) == [(1, 30)]


def test_a_throttle_holds_the_next_batch(engine: Any, other: Any) -> None:
    make_numbers(engine, 9)
    ended: list[Any] = []

    def busy(event: Any) -> None:
        if isinstance(event, BatchCommitted) and event.batch == 2:
            hand = by_hand(other)
            hand.execute("begin")
            hand.query_all("select * from t")
        if isinstance(event, BatchesHeld) and event.reason:
            ended.append(event.reason)
            other.session.execute("commit")

    apply_up(
        engine, in_batches("id", "size=3 target=1h pause=300ms throttle=oldest<1ms"), emit=busy
    )
    assert "oldest is" in ended[0]
    assert changed(engine) == [(1, 9)]


def test_a_connection_that_is_cut_costs_at_most_the_batch_under_way(
    engine: Any, other: Any, any_server: Any
) -> None:
    make_numbers(engine, 30)
    plan = plan_for(engine, in_batches("id", "size=3 target=1h"))

    def cut(event: Any) -> None:
        if isinstance(event, BatchCommitted) and event.batch == 2:
            holder = other.lock.holder()
            assert holder is not None
            other.session.query_all(holder.ending)

    with pytest.raises((Unresolved, Unreachable)):
        apply_plan(engine, plan, emit=cut)
    assert changed(other) == [(0, 21), (1, 9)]
    with open_test_engine(any_server, other.server.database) as again:
        apply_plan(again, plan, wait=30)
    assert changed(other) == [(1, 30)]


LOW = {"lag": "24h", "running": "10000", "oldest": "24h", "wal": "900TB"}


def test_every_gauge_that_a_server_has_is_read(engine: Any) -> None:
    make_numbers(engine, 5)
    gauges = sorted(engine.server.dialect.gauges)
    throttle = ",".join(f"{gauge}<{LOW[gauge]}" for gauge in gauges)
    heard = Recorder()
    apply_up(engine, in_batches("id", f"throttle={throttle}"), emit=heard)
    assert heard.of(BatchesHeld) == []
    assert changed(engine) == [(1, 5)]
