"""PostgreSQL: processes killed, connections cut, signals; then a look at the database."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest

from lockgate.executors.events import Event, LockAwaited
from lockgate.planner.errors import Unreachable, Unresolved
from tests.commands.running import Project
from tests.executors.building import (
    apply_plan,
    apply_up,
    create_tables,
    open_test_engine,
    plan_for,
)
from tests.executors.watching import (
    await_at,
    await_gone,
    gate,
    held_by_others,
    sessions,
    shut,
)
from tests.proxy import Proxy
from tests.servers.postgres import PostgresServer
from tests.servers.process import wait_until

Bystander = psycopg.Connection[Any]
STEPS = 20
FIRST_GATE = 7_000


def schema(server: PostgresServer, database: str) -> str:
    """The dump without the runs, of which each attempt leaves one."""
    head, _, rest = server.dump(database).partition("COPY public.lockgate_runs")
    return head + rest.partition("\\.\n")[2]


def gated(count: int) -> dict[str, str]:
    """Migrations that make a table each and then pass a gate."""
    return {
        name: f"{sql}{gate(FIRST_GATE + number)};\n"
        for number, (name, sql) in enumerate(create_tables(count).items(), 1)
    }


@pytest.fixture
def project(tmp_path: Path, postgres_server: PostgresServer, postgres_database: str) -> Project:
    """A project whose first migration is applied; twenty are pending, each with a gate."""
    made = Project(tmp_path, postgres_server.url(postgres_database))
    made.write("000_kept.sql", "create table kept (id int);")
    assert made.migrate("up").code == 0
    for name, sql in gated(STEPS).items():
        made.write(f"{name}.sql", sql)
    return made


@pytest.fixture
def proxied(
    postgres: Any, postgres_server: PostgresServer, postgres_database: str
) -> Iterator[tuple[Proxy, Any]]:
    """A proxy and an executor's session through it, on a database with one migration."""
    apply_up(postgres, {"000_kept": "create table kept (id int);"})
    with (
        Proxy(postgres_server.host, postgres_server.port) as proxy,
        open_test_engine(postgres_server, postgres_database, port=proxy.port) as engine,
    ):
        yield proxy, engine


class Then:
    """Holds for the first message that has `sign`, behind the statement that has `after`.

    Statements are in Parse messages; the plan that a run records, with all of its SQL, is not.
    """

    def __init__(self, after: str, direction: Literal["client", "server"], sign: bytes) -> None:
        self.after = after.encode()
        self.direction = direction
        self.sign = sign
        self.seen = False

    def __call__(self, direction: str, message: bytes) -> bool:
        if self.seen and direction == self.direction and self.sign in message:
            return True
        parses = direction == "client" and message[:1] == b"P"
        self.seen = self.seen or (parses and self.after in message)
        return False


def test_kill_9_in_each_of_20_steps_leaves_the_schema_byte_equal(
    project: Project,
    bystander: Bystander,
    postgres_server: PostgresServer,
    postgres_database: str,
) -> None:
    before = schema(postgres_server, postgres_database)
    for number in range(FIRST_GATE + 1, FIRST_GATE + STEPS + 1):
        with shut(bystander, number), project.start("up") as process:
            await_at(bystander, number)
            process.kill()
        await_gone(bystander)
        assert held_by_others(bystander) == 0
        assert schema(postgres_server, postgres_database) == before
    assert project.migrate("up").code == 0
    assert bystander.execute("select count(*) from schema_migrations").fetchone() == (STEPS + 1,)


def test_the_server_notices_a_kill_while_a_long_statement_runs(
    project: Project, bystander: Bystander
) -> None:
    # The end of the connection waits behind what the server has not read, when that is much.
    project.write("001_t1.sql", "create table t1 (id int);\nselect pg_sleep(600);")
    for number in range(30, 40):
        project.write(f"0{number}_long.sql", f"select '{'x' * 200_000}';")
    with project.start("up") as process:
        _await_sleep(bystander)
        bystander.execute("select pg_sleep(0.5)")  # all that is to be in flight is
        process.kill()
    await_gone(bystander)
    assert held_by_others(bystander) == 0
    assert bystander.execute("select to_regclass('t1')").fetchone() == (None,)


def test_kill_9_in_mode_step_keeps_the_steps_before_and_goes_on(
    project: Project, bystander: Bystander
) -> None:
    project.configure("transaction: step\n")
    with shut(bystander, FIRST_GATE + 3), project.start("up") as process:
        await_at(bystander, FIRST_GATE + 3)
        process.kill()
    await_gone(bystander)
    versions = bystander.execute("select version from schema_migrations order by 1").fetchall()
    assert [version for (version,) in versions] == ["000", "001", "002"]
    result = project.migrate("up", "--json")
    assert result.code == 0, result
    assert bystander.execute("select to_regclass('t20') is null").fetchone() == (False,)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_undoes_the_plan_and_frees_the_lock(
    project: Project,
    bystander: Bystander,
    postgres_server: PostgresServer,
    postgres_database: str,
    number: signal.Signals,
    code: int,
    times: int,
) -> None:
    before = schema(postgres_server, postgres_database)
    with shut(bystander, FIRST_GATE + 9), project.start("up") as process:
        await_at(bystander, FIRST_GATE + 9)
        for _ in range(times):
            os.kill(process.pid, number)
        assert process.wait(60) == code
        assert sessions(bystander) == []
        assert held_by_others(bystander) == 0
    assert schema(postgres_server, postgres_database) == before
    runs = bystander.execute("select status from lockgate_runs order by started_at").fetchall()
    assert [status for (status,) in runs] == ["COMMITTED", "ROLLED_BACK"]


def test_a_signal_while_rows_are_copied_undoes_the_plan(
    project: Project, bystander: Bystander
) -> None:
    body = f"begin perform {gate(FIRST_GATE + 50).removeprefix('select ')}; return new; end"
    (project.migrations / "001_t1.sql").write_text(
        "-- migrate:up\ncreate table t1 (id int);\n"
        f"create function slow() returns trigger language plpgsql as '{body}';\n"
        "create trigger slow before insert on t1 for each row execute function slow();\n"
        "copy t1 from stdin;\n" + "1\n" * 200_000 + "\\.\n"
    )
    with shut(bystander, FIRST_GATE + 50), project.start("up") as process:
        await_at(bystander, FIRST_GATE + 50)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert sessions(bystander) == []
    assert bystander.execute("select to_regclass('t1')").fetchone() == (None,)


def test_a_signal_while_the_lock_is_awaited_changes_nothing(
    project: Project, bystander: Bystander, postgres: Any
) -> None:
    with postgres.lock.hold(0, print), project.start("up", "--json") as process:
        out = process.stdout
        assert out is not None
        wait_until(lambda: "lock_awaited" in out.readline(), "the wait is told")
        os.kill(process.pid, signal.SIGINT)
        out.read()
        assert process.wait(60) == 130


@pytest.mark.parametrize(
    "cut",
    [
        Then("pg_try_advisory_lock", "server", b"Z"),
        Then("create table t1 ", "client", b"create table t1"),
        Then("create table t5 ", "client", b"schema_migrations"),
        Then("create table t5 ", "server", b"CREATE TABLE"),
        Then("create table t10 ", "server", b"INSERT 0 1"),
    ],
    ids=["lock", "first", "record", "answer", "recorded"],
)
def test_a_cut_connection_leaves_the_schema_byte_equal(
    proxied: tuple[Proxy, Any],
    bystander: Bystander,
    postgres_server: PostgresServer,
    postgres_database: str,
    cut: Then,
) -> None:
    proxy, engine = proxied
    before = schema(postgres_server, postgres_database)
    plan = plan_for(engine, {"000_kept": "create table kept (id int);", **create_tables(10)})
    fired = proxy.cut_when(cut)
    with pytest.raises(Unreachable):
        apply_plan(engine, plan)
    assert fired.is_set()
    wait_until(lambda: held_by_others(bystander) == 0, "the lock is free")
    assert schema(postgres_server, postgres_database) == before
    with open_test_engine(postgres_server, postgres_database) as again:
        assert apply_plan(again, plan).outcome == "applied"


def test_a_commit_that_still_works_is_waited_for(
    proxied: tuple[Proxy, Any], bystander: Bystander
) -> None:
    proxy, engine = proxied
    half_open: list[socket.socket] = []
    armed = Then("constraint trigger", "client", b"\0commit\0")

    def cut(direction: str, message: bytes) -> bool:
        if half_open and direction == "client" and message[:1] == b"S":
            return True  # the Sync behind the commit, which the server works on by now
        if armed(direction, message):
            half_open.append(proxy._connections[0].ends[1].socket.dup())
        return False

    body = f"begin perform {gate(FIRST_GATE + 60).removeprefix('select ')}; return null; end"
    slow = (
        f"create function slow() returns trigger language plpgsql as '{body}';\n"
        "create constraint trigger slow after insert on kept deferrable initially deferred "
        "for each row execute function slow();\ninsert into kept values (1);"
    )
    waits: list[Event] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(shut(bystander, FIRST_GATE + 60))

        def emit(event: Event) -> None:
            if isinstance(event, LockAwaited):
                if not waits:
                    await_at(bystander, FIRST_GATE + 60)
                    stack.close()
                waits.append(event)

        proxy.cut_when(cut)
        plan = plan_for(engine, {"000_kept": "create table kept (id int);", "001_slow": slow})
        assert apply_plan(engine, plan, emit=emit).outcome == "applied"
    half_open[0].close()
    assert waits
    assert bystander.execute("select id from kept").fetchall() == [(1,)]
    assert held_by_others(bystander) == 0


def test_a_commit_outside_of_a_transaction_finds_out_too(
    proxied: tuple[Proxy, Any], bystander: Bystander
) -> None:
    proxy, engine = proxied
    index = "-- migrate:up transaction:false\ncreate index concurrently i on kept (id);"
    plan = plan_for(engine, {"000_kept": "create table kept (id int);", "001_i": index})
    record = '"schema_migrations" (version, name'
    proxy.cut_when(Then(record, "client", b"\0commit\0"))
    with pytest.raises(Unresolved, match="rolled back"):
        apply_plan(engine, plan)
    assert bystander.execute("select step, outcome from lockgate_journal").fetchall() == [
        (1, "done")
    ]
    proxy.cut_when(Then(record, "server", b"COMMIT\0"))
    assert apply_plan(engine, plan).outcome == "applied"
    assert bystander.execute("select * from lockgate_journal").fetchall() == []


def test_a_server_that_dies_in_a_step_is_unreachable_and_nothing_is_kept() -> None:
    with PostgresServer() as server:
        name = server.new_database()
        with open_test_engine(server, name) as engine:
            apply_up(engine, create_tables(1))
            before = schema(server, name)
            dying = f"copy (select 1) to program 'cat; kill -9 {server.pid}'"
            killed = {
                **create_tables(1),
                "002_x": f"create table x ();\n{dying};\nselect pg_sleep(60);",
            }
            with pytest.raises(Unreachable):
                apply_up(engine, killed)
        server.restart()
        assert schema(server, name) == before
        with open_test_engine(server, name) as engine:
            apply_up(engine, create_tables(3))


def test_a_signal_between_units_keeps_the_first_and_exits_7(
    tmp_path: Path, postgres_server: PostgresServer, postgres_database: str
) -> None:
    started: list[Any] = []
    recorded = Then("create table t1 ", "server", b"COMMIT\0")
    kept: list[bytes] = []

    def interrupt(direction: Any, message: bytes) -> bool:
        if kept and started and direction == "client" and b"from pg_locks" in message:
            os.kill(started.pop().pid, signal.SIGTERM)
        if not kept and recorded(direction, message):
            kept.append(message)
        return False

    with Proxy(postgres_server.host, postgres_server.port) as proxy:
        project = Project(tmp_path, postgres_server.url(postgres_database, port=proxy.port),
                          settings="transaction: step\n")  # fmt: skip
        project.write_tables(3)
        proxy.cut_when(interrupt)
        process = project.start("up")
        started.append(process)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 7, err
        assert "Interrupted after 1 of 3 steps" in err
        assert not started


WORDS = {
    "terminated": ("select pg_terminate_backend(pg_backend_pid())", "57P01"),
    "too long": ("set local transaction_timeout = '50ms'; select pg_sleep(30)", "25P04"),
}


@pytest.mark.parametrize("kind", WORDS)
def test_the_servers_last_words_are_told_and_noted(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, kind: str
) -> None:
    sql, code = WORDS[kind]
    project = Project(tmp_path, postgres_server.url(postgres_database))
    project.write("001_t.sql", f"create table t (id int);\n{sql};")
    if postgres_server.major < 17 and kind == "too long":
        pytest.skip("17 brought transaction_timeout")
    result = project.migrate("up")
    assert result.code == 11, result
    assert (f"({code})" in result.err, "undone" in result.err) == (True, True), result.err
    assert "server closed the connection" not in result.err
    with psycopg.connect(project.url) as connection:
        query = "select status, error from lockgate_runs"
        ((status, error),) = connection.execute(query).fetchall()
        assert (status, f"({code})" in error) == ("ROLLED_BACK", True)
        assert connection.execute("select to_regclass('t')").fetchone() == (None,)


def test_the_last_words_to_a_statement_by_itself_are_noted_with_its_doubt(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path
) -> None:
    sql, code = WORDS["terminated"]
    project = Project(tmp_path, postgres_server.url(postgres_database))
    project.write("001_t.sql", f"create table t (id int);\n{sql};", flags=" transaction:false")
    result = project.migrate("up", "--allow-non-atomic")
    assert (result.code, f"({code})" in result.err) == (7, True), result
    with psycopg.connect(project.url) as connection:
        query = "select status, error from lockgate_runs"
        ((status, error),) = connection.execute(query).fetchall()
    assert (status, f"({code})" in error) == ("STUCK", True)


def test_a_crash_and_a_shutdown_are_told_as_such(tmp_path: Path) -> None:
    with PostgresServer() as server:
        project = Project(tmp_path, server.url(server.new_database()))
        project.write("001_t.sql", "create table t (id int);\nselect pg_sleep(60);")
        for number, code in ((signal.SIGKILL, "57P02"), (signal.SIGINT, "57P01")):
            with server.connect(project.database) as bystander, project.start("up") as process:
                _await_sleep(bystander)
                crash = number == signal.SIGKILL
                os.kill(bystander.info.backend_pid if crash else server.pid, number)
                _, err = process.communicate(timeout=60)
            assert (process.returncode, f"({code})" in err) == (11, True), err


def _await_sleep(bystander: Bystander) -> None:
    wait_until(
        lambda: any(event == "PgSleep" for _, _, event, _ in sessions(bystander)),
        "the long statement runs",
    )
