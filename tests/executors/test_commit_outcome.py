"""A connection that is lost in the commit, on every engine: the executor looks, and goes on.

The faults are real: a cut between COMMIT and its answer, a server that dies, others at work.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.events import LockAwaited, UnitCommitted
from lockgate.planner.errors import StatementFailed, Unresolved
from tests.commands.running import DEADLINE, Project
from tests.executors.building import (
    Recorder,
    apply_plan,
    apply_up,
    by_hand,
    down_plan_for,
    open_test_engine,
    plan_for,
)
from tests.proxy import Proxy
from tests.servers.process import wait_until

KEPT = {"000_kept": "create table kept (id int);\n-- migrate:down\ndrop table kept;"}
ROWS = {
    **KEPT,
    **{
        f"00{number}_row": f"insert into kept values ({number});\n"
        f"-- migrate:down\ndelete from kept where id = {number};"
        for number in (1, 2, 3)
    },
}
RECORD = re.compile(rb"schema_migrations[\"`](?: \(version| where| using)")
NOWHERE = ("127.0.0.1", 1)


@dataclass
class Cut:
    """Holds for the commit of the `unit`th unit, or for its answer, and does `then` before."""

    answered: bool = False
    unit: int = 1
    then: Callable[[], object] = lambda: None
    recorded: bool = False
    sent: bool = False
    commits: int = 0
    fired: threading.Event = field(default_factory=threading.Event)

    def __call__(self, direction: str, message: bytes) -> bool:
        if direction == "client":
            self.recorded = self.recorded or bool(RECORD.search(message))
            if not self.recorded or message[:2] == b"\x00\x00" or not _is_commit(message):
                return False
            self.recorded = False
            self.commits += 1
            self.sent = self.commits == self.unit
            return self._fire() if self.sent and not self.answered else False
        if self.sent and self.answered and _answers_commit(message):
            return self._fire()
        return False

    def _fire(self) -> bool:
        self.then()
        self.fired.set()
        return True


def _is_commit(message: bytes) -> bool:
    return b"\0commit\0" in message or message.endswith(b"\x03commit")


def _answers_commit(message: bytes) -> bool:
    """PostgreSQL's tag, or an OK packet of MySQL: length, number, 0."""
    return b"COMMIT\0" in message or message[:1] == b"\x07" or message[4:5] == b"\0"


@pytest.fixture
def proxied(any_server: Any, any_database: str) -> Iterator[tuple[Proxy, Any]]:
    """A proxy and an executor's session through it, on a database with one migration."""
    with open_test_engine(any_server, any_database) as engine:
        apply_up(engine, KEPT)
    with (
        Proxy(any_server.host, any_server.port, any_server.engine) as proxy,
        open_test_engine(any_server, any_database, port=proxy.port) as engine,
    ):
        yield proxy, engine


@pytest.fixture
def other(any_server: Any, any_database: str) -> Iterator[Any]:
    """Another executor's session, past the proxy."""
    with open_test_engine(any_server, any_database) as engine:
        yield engine


def rows(engine: Any) -> list[int]:
    return [number for (number,) in by_hand(engine).query_all("select id from kept order by id")]


def only(count: int) -> dict[str, str]:
    """The first so many migrations."""
    return dict(list(ROWS.items())[:count])


@contextlib.contextmanager
def away(proxy: Proxy) -> Iterator[None]:
    """The proxy leads nowhere until the block ends."""
    before, proxy._target = proxy._target, NOWHERE
    try:
        yield
    finally:
        proxy._target = before


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("everywhere", [False, True], ids=["one session", "all sessions"])
def test_a_commit_that_has_happened_ends_as_if_its_answer_had_come(
    proxied: tuple[Proxy, Any], other: Any, everywhere: bool
) -> None:
    proxy, engine = proxied
    cut = Cut(answered=True, then=proxy.cut if everywhere else lambda: None)
    proxy.cut_when(cut)
    plan, emit = plan_for(engine, only(2)), Recorder()
    report = apply_plan(engine, plan, emit=emit)
    assert cut.fired.is_set()
    assert (report.outcome, report.steps) == ("applied", plan.steps)
    assert [(event.first, event.last) for event in emit.of(UnitCommitted)] == [(1, 1)]
    assert rows(other) == [1]
    assert other.store.runs.read_runs(1)[0].status == "COMMITTED"
    assert other.lock.holder() is None


@pytest.mark.parametrize("everywhere", [False, True], ids=["one session", "all sessions"])
def test_a_commit_that_never_came_is_a_failure_with_everything_undone(
    proxied: tuple[Proxy, Any], other: Any, everywhere: bool
) -> None:
    proxy, engine = proxied
    proxy.cut_when(Cut(then=proxy.cut if everywhere else lambda: None))
    plan = plan_for(engine, only(2))
    with pytest.raises(StatementFailed, match="lost in the commit, and the server has rolled back"):
        apply_plan(engine, plan)
    assert rows(other) == []
    assert other.store.runs.read_runs(1)[0].status == "ROLLED_BACK"
    assert other.lock.holder() is None
    assert apply_plan(engine, plan).outcome == "applied"
    assert rows(other) == [1]


def test_a_run_goes_on_behind_the_commit_whose_answer_was_lost(
    proxied: tuple[Proxy, Any], other: Any
) -> None:
    proxy, engine = proxied
    settings = "select current_setting('lock_timeout')"
    if not engine.server.dialect.transactional_ddl:
        settings = "select @@lock_wait_timeout, @@time_zone"
    before = by_hand(engine).query_one(settings)
    proxy.cut_when(Cut(answered=True, unit=2))
    plan, emit = plan_for(engine, ROWS, transaction="step"), Recorder()
    assert apply_plan(engine, plan, emit=emit).steps == plan.steps
    assert [event.last for event in emit.of(UnitCommitted)] == [1, 2, 3]
    assert rows(other) == [1, 2, 3]
    assert other.store.read_ledger().digest == plan.result.digest
    assert by_hand(engine).query_one(settings) == before


def test_a_later_commit_that_never_came_keeps_the_units_before_it(
    proxied: tuple[Proxy, Any], other: Any
) -> None:
    proxy, engine = proxied
    proxy.cut_when(Cut(unit=2))
    plan = plan_for(engine, ROWS, transaction="step")
    with pytest.raises(Unresolved, match="lost in the commit, and the server has rolled back"):
        apply_plan(engine, plan)
    assert rows(other) == [1]
    assert other.store.runs.read_runs(1)[0].status == "STOPPED"
    assert apply_plan(engine, plan).outcome == "applied"
    assert rows(other) == [1, 2, 3]


@pytest.mark.parametrize("answered", [False, True])
def test_a_rollback_finds_out_too(proxied: tuple[Proxy, Any], other: Any, answered: bool) -> None:
    proxy, engine = proxied
    apply_up(engine, only(2))
    plan = down_plan_for(engine, only(2))
    proxy.cut_when(Cut(answered=answered))
    with contextlib.nullcontext() if answered else pytest.raises(StatementFailed):
        apply_plan(engine, plan)
    assert rows(other) == ([] if answered else [1])


@pytest.mark.parametrize("answered", [False, True])
def test_a_server_that_dies_in_the_commit_is_waited_for(
    any_server: Any, proxied: tuple[Proxy, Any], answered: bool
) -> None:
    proxy, engine = proxied
    restarts: list[threading.Thread] = []

    def kill() -> None:
        any_server.kill_9()
        restarts.append(in_background(any_server.restart))

    proxy.cut_when(Cut(answered=answered, then=kill))
    try:
        with contextlib.nullcontext() if answered else pytest.raises(StatementFailed):
            apply_plan(engine, plan_for(engine, only(2)))
    finally:
        restarts[0].join()
    assert rows(engine) == ([1] if answered else [])
    assert engine.lock.holder() is None


@pytest.mark.parametrize("answered", [False, True])
def test_a_server_that_stays_away_leaves_the_run_unresolved(
    proxied: tuple[Proxy, Any], other: Any, answered: bool
) -> None:
    proxy, engine = proxied
    engine.lock.commit_wait = 0.2
    plan = plan_for(engine, only(2))
    with contextlib.ExitStack() as stack:
        proxy.cut_when(Cut(answered=answered, then=lambda: stack.enter_context(away(proxy))))
        with pytest.raises(Unresolved, match="before the server answered"):
            apply_plan(engine, plan)
    wait_until(lambda: other.lock.holder() is None, "the lock is free")
    assert apply_plan(other, plan).outcome == ("already applied" if answered else "applied")
    assert rows(other) == [1]


def test_a_session_that_the_server_believes_alive_is_ended(
    proxied: tuple[Proxy, Any], other: Any
) -> None:
    proxy, engine = proxied
    half_open: list[socket.socket] = []

    def keep() -> None:
        half_open.extend(each.ends[1].socket.dup() for each in proxy._connections)

    proxy.cut_when(Cut(then=keep))
    with pytest.raises(StatementFailed, match="rolled back"):
        apply_plan(engine, plan_for(engine, only(2)))
    assert other.lock.holder() is None
    assert rows(other) == []
    for each in half_open:
        each.close()


@dataclass
class Elsewhere:
    """What another process does between the cut and our return: our way back is closed so long."""

    proxy: Proxy
    work: Callable[[], None]
    threads: list[threading.Thread] = field(default_factory=list)

    def __call__(self) -> None:
        self.proxy.cut()  # the guard of a lock too
        before, self.proxy._target = self.proxy._target, NOWHERE

        def work() -> None:
            try:
                self.work()
            finally:
                self.proxy._target = before

        self.threads.append(in_background(work))


@pytest.mark.parametrize("answered", [False, True])
def test_a_lock_that_others_hold_for_long_is_told_of(
    proxied: tuple[Proxy, Any], other: Any, answered: bool
) -> None:
    proxy, engine = proxied
    engine.lock.commit_wait = 2.0
    with contextlib.ExitStack() as stack:

        def take() -> None:
            wait_until(lambda: other.lock.holder() is None, "the lock is free")
            stack.enter_context(other.lock.hold(0, Recorder()))

        elsewhere = Elsewhere(proxy, take)
        proxy.cut_when(Cut(answered=answered, then=elsewhere))
        plan, emit = plan_for(engine, only(2)), Recorder()
        if answered:  # the run's own row says so, and nothing is left to be done under the lock
            assert apply_plan(engine, plan, emit=emit).outcome == "applied"
        else:
            with pytest.raises(Unresolved, match="holds it"):
                apply_plan(engine, plan, emit=emit)
        elsewhere.threads[0].join()
    assert emit.of(LockAwaited)


def go_on_elsewhere(proxy: Proxy, other: Any, *, behind: bool) -> Elsewhere:
    """Another executor applies another plan as soon as the lock is free, behind ours or without."""
    migrations = {**only(2 if behind else 1), "009_later": "insert into kept values (9);"}

    def go_on() -> None:
        wait_until(lambda: other.lock.holder() is None, "the lock is free")
        apply_up(other, migrations)

    return Elsewhere(proxy, go_on)


def after(*, answered: bool) -> list[int]:
    """The rows that our commit, if it was one, and the other executor have left."""
    return [1, 9] if answered else [9]


@pytest.mark.parametrize("answered", [False, True])
def test_a_last_commit_is_known_although_others_have_gone_on(
    proxied: tuple[Proxy, Any], other: Any, answered: bool
) -> None:
    proxy, engine = proxied
    elsewhere = go_on_elsewhere(proxy, other, behind=answered)
    proxy.cut_when(Cut(answered=answered, then=elsewhere))
    plan = plan_for(engine, only(2))
    with contextlib.nullcontext() if answered else pytest.raises(StatementFailed):
        apply_plan(engine, plan)
    elsewhere.threads[0].join()
    assert rows(other) == after(answered=answered)
    (ours,) = [run for run in other.store.runs.read_runs(9) if run.plan_digest == plan.digest]
    assert ours.status == ("COMMITTED" if answered else "ROLLED_BACK")


@pytest.mark.parametrize("answered", [False, True])
def test_an_earlier_commit_that_others_have_built_upon_is_not_built_upon_again(
    proxied: tuple[Proxy, Any], other: Any, answered: bool
) -> None:
    proxy, engine = proxied
    elsewhere = go_on_elsewhere(proxy, other, behind=answered)
    proxy.cut_when(Cut(answered=answered, then=elsewhere))
    remembered = other.server.dialect.transactional_ddl  # by the server, of each transaction
    happened = "changed the history since" if remembered else "gone on since"
    said = happened if answered or not remembered else "has rolled back"
    with pytest.raises((Unresolved, StatementFailed), match=said):
        apply_plan(engine, plan_for(engine, ROWS, transaction="step"))
    elsewhere.threads[0].join()
    assert rows(other) == after(answered=answered)


def test_a_signal_while_the_server_is_away_is_unresolved_at_once(
    tmp_path: Path, any_server: Any, any_database: str
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Proxy(any_server.host, any_server.port, any_server.engine) as proxy,
    ):
        project = Project(tmp_path, any_server.url(any_database, port=proxy.port))
        project.write("001_row.sql", "create table kept (id int);")

        def lead_astray() -> None:
            proxy._target = silent.getsockname()

        cut = Cut(answered=True, then=lead_astray)
        proxy.cut_when(cut)
        with project.start("up") as process:
            assert cut.fired.wait(DEADLINE), process.communicate()
            silent.accept()[0].close()  # it has tried to come back
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=DEADLINE)
        assert process.returncode == 7, (out, err)
        assert "before the server answered" in err
        assert "A signal came" in err
        assert "No connection" not in err  # it has not tried again
