"""PostgreSQL outside of a transaction: statement by statement, each journaled and kept."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lockgate.executors.events import StatementFinished
from lockgate.exits import Exit
from lockgate.planner.errors import StatementFailed, Unresolved
from tests.commands.running import Project, succeed
from tests.executors.building import (
    OUTSIDE,
    Recorder,
    apply_plan,
    apply_up,
    by_hand,
    create_tables,
    failure_of,
    open_test_engine,
    plan_for,
)
from tests.executors.watching import await_at, await_gone, count, gate, sessions, shut
from tests.proxy import Proxy
from tests.servers.postgres import PostgresServer
from tests.servers.process import wait_until

Bystander = psycopg.Connection[Any]
GATE = 7_100
JOURNAL = "select step, statement, outcome from lockgate_journal order by 1, 2"
THREE = f"""{OUTSIDE}
create table one (id int);
create table two as select id from source;
create table three (id int);
"""


def outside(*statements: str) -> dict[str, str]:
    return {"001_x": "\n".join([OUTSIDE, *(f"{sql};" for sql in statements)])}


def journal(engine: Any) -> list[Any]:
    return list(by_hand(engine).query_all(JOURNAL))


def end_sessions(bystander: Bystander) -> None:
    """Ends what a killed lockgate has left on the server, in the middle of its statement."""
    for pid, *_ in sessions(bystander):
        bystander.execute("select pg_terminate_backend(%s)", (pid,))
    await_gone(bystander)


def test_each_statement_is_kept_at_once(postgres: Any, bystander: Bystander) -> None:
    seen = []

    def emit(event: Any) -> None:
        if isinstance(event, StatementFinished):
            seen.append(count(bystander, "select count(*) from pg_tables where tablename ~ '^t'"))

    apply_up(postgres, outside("create table t1 ()", "create table t2 ()"), emit=emit)
    assert seen == [1, 2]
    assert journal(postgres) == []
    assert postgres.store.runs.read_runs(1)[0].status == "COMMITTED"


def test_an_index_is_built_concurrently_with_no_transaction_of_ours_beside_it(
    postgres: Any, bystander: Bystander, postgres_server: PostgresServer, postgres_database: str
) -> None:
    apply_up(postgres, {"000_t": "create table t (id int);"})
    migrations = {"000_t": "create table t (id int);"}
    build = outside("create index concurrently i on t (id)", "vacuum t")
    seen: list[list[str]] = []

    def is_watched() -> bool:
        found = sessions(bystander)
        if len(found) == 1 or not any(sql.startswith("create index") for *_, sql in found):
            return False
        seen.append([state for _, state, _, _ in found])
        return True

    with postgres_server.connect(postgres_database) as writer:
        writer.execute("begin")
        writer.execute("insert into t values (1)")
        thread = threading.Thread(target=apply_up, args=(postgres, migrations | build))
        thread.start()
        try:
            for _ in range(3):  # while the build waits for the writer, our watch looks in too
                wait_until(is_watched, "the watch has been opened")
        finally:
            writer.execute("commit")
            thread.join()
    assert all("idle in transaction" not in state for states in seen for state in states)
    assert count(bystander, "select count(*) from pg_index where indisvalid "
                 "and indexrelid = 'i'::regclass") == 1  # fmt: skip


def test_a_failure_tells_what_is_kept_and_applying_again_goes_on(postgres: Any) -> None:
    plan = plan_for(postgres, {"001_x": THREE, **create_tables(1, first=2)})
    with pytest.raises(Unresolved) as caught:
        apply_plan(postgres, plan)
    assert caught.value.what.startswith("Migration 001 is half done: 001_x.sql:3:36: ")
    assert "Of its 3 statements these are done and kept: 1; not done: 2, 3." in str(caught.value)
    assert failure_of(caught.value).place == 2
    assert journal(postgres) == [(1, 1, "done")]
    assert postgres.store.read_ledger().unresolved == (plan.digest,)
    assert postgres.store.runs.read_runs(1)[0].status == "STUCK"
    by_hand(postgres).execute("create table source (id int)")
    emit = Recorder()
    apply_plan(postgres, plan, emit=emit)
    assert [event.place for event in emit.of(StatementFinished)] == [2, 3, 1]
    assert journal(postgres) == []
    ledger = postgres.store.read_ledger()
    assert ([entry.version for entry in ledger.entries], ledger.unresolved) == (["001", "002"], ())
    assert [run.status for run in postgres.store.runs.read_runs(5)] == ["COMMITTED"]


def test_another_plan_is_refused_while_one_is_half_done(postgres: Any) -> None:
    other = plan_for(postgres, create_tables(1))
    with pytest.raises(Unresolved):
        apply_up(postgres, {"001_x": THREE})
    with pytest.raises(Unresolved, match="stopped half-way"):
        apply_plan(postgres, other)


def test_a_failure_in_the_first_statement_leaves_nothing(postgres: Any) -> None:
    with pytest.raises(StatementFailed):
        apply_up(postgres, outside("create table one (id nothing)", "create table two ()"))
    assert journal(postgres) == []
    assert postgres.store.read_ledger().unresolved == ()
    assert postgres.store.runs.read_runs(1)[0].status == "ROLLED_BACK"


def test_a_deferred_constraint_that_fails_at_the_end_of_a_statement_is_a_failure(
    postgres: Any,
) -> None:
    tables = (
        "create table parent (id int primary key)",
        "create table child (id int references parent deferrable initially deferred)",
        "insert into child values (7)",
    )
    with pytest.raises(Unresolved, match=r"done and kept: 1, 2; not done: 3") as caught:
        apply_up(postgres, outside(*tables))
    assert (failure_of(caught.value).place, failure_of(caught.value).error.code) == (3, "23503")
    assert journal(postgres) == [(1, 1, "done"), (1, 2, "done")]
    assert by_hand(postgres).query_one("select count(*) from child") == (0,)


def test_a_build_of_an_index_that_did_not_begin_leaves_nothing(postgres: Any) -> None:
    with pytest.raises(StatementFailed):
        apply_up(postgres, outside("create index concurrently i on nowhere (id)"))
    assert journal(postgres) == []


def test_a_procedure_that_commits_and_fails_is_not_said_to_have_left_nothing(
    postgres: Any,
) -> None:
    body = "begin create table a (); commit; perform 1 / 0; end"
    with pytest.raises(Unresolved, match="may have done part of its work"):
        apply_up(postgres, outside(f"do $$ {body} $$"))
    assert by_hand(postgres).query_one("select to_regclass('a')") == ("a",)


@pytest.mark.parametrize("body", ["-- no commit in here\n", "perform 'commit'; ", '/* "call" */ '])
def test_a_block_that_only_mentions_a_commit_has_kept_nothing(postgres: Any, body: str) -> None:
    block = f"begin {body} create table a (); perform 1 / 0; end"
    with pytest.raises(StatementFailed):
        apply_up(postgres, outside(f"do $$ {block} $$"))
    assert by_hand(postgres).query_one("select to_regclass('a')") == (None,)
    assert journal(postgres) == []
    assert postgres.store.runs.read_runs(1)[0].status == "ROLLED_BACK"


EVENTS = """
create table ev (at int) partition by range (at);
create table ev1 partition of ev for values from (0) to (10);
"""
DETACH = "alter table ev detach partition ev1 concurrently"


def test_a_detaching_that_is_refused_at_once_has_kept_nothing(postgres: Any) -> None:
    tables = {"000_ev": f"{EVENTS}create table rest partition of ev default;"}
    apply_up(postgres, tables)
    with pytest.raises(StatementFailed, match="cannot detach partitions concurrently"):
        apply_up(postgres, tables | outside(DETACH))
    assert postgres.store.read_ledger().unresolved == ()


def test_a_detaching_that_stops_in_its_middle_is_half_done(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    timeouts = {"timeouts": {"lock": "100ms"}, "retries": {"lock": 0}}
    with (
        open_test_engine(postgres_server, postgres_database, **timeouts) as engine,
        postgres_server.connect(postgres_database) as reader,
    ):
        apply_up(engine, {"000_ev": EVENTS})
        reader.execute("begin")
        reader.execute("select from ev")
        with pytest.raises(Unresolved):
            apply_up(engine, {"000_ev": EVENTS} | outside(DETACH))


def test_a_failure_in_a_role_without_rights_is_still_journaled(
    postgres: Any, postgres_database: str
) -> None:
    role = f"n{postgres_database[-8:]}"
    by_hand(postgres).execute(f"create role {role}")
    for taking_on in (f"set role {role}", f"set session authorization {role}"):
        plan = plan_for(postgres, outside(taking_on, "select 1 / 0"))
        with pytest.raises(Unresolved, match="done and kept: 1; not done: 2"):
            apply_plan(postgres, plan)
        assert journal(postgres) == [(1, 1, "done")]
        assert by_hand(postgres).query_one("select current_user") == ("postgres",)
        run = postgres.store.runs.read_journal(plan.digest).run_id
        postgres.store.settle_run(run, "a test's end")
    by_hand(postgres).execute(f"drop role {role}")


def test_limits_that_a_section_sets_do_not_stop_the_journal(postgres: Any) -> None:
    limits = (
        "set statement_timeout = '1ms'",
        "set default_transaction_read_only = on",
        "set transaction_timeout = 0",
        "set search_path = nowhere",
    )
    apply_up(postgres, outside(*limits))
    assert journal(postgres) == []
    assert len(postgres.store.read_ledger().entries) == 1


def test_a_lock_given_away_in_a_section_is_noticed_before_the_record(postgres: Any) -> None:
    plan = plan_for(postgres, outside("create table a ()", "select pg_advisory_unlock_all()"))
    with pytest.raises(Unresolved, match="lost"):
        apply_plan(postgres, plan)
    assert postgres.store.read_ledger().entries == ()
    assert [outcome for *_, outcome in journal(postgres)] == ["done", "done"]
    apply_plan(postgres, plan)
    assert len(postgres.store.read_ledger().entries) == 1


def test_a_lost_lock_stops_the_section_and_says_what_is_kept(postgres: Any) -> None:
    plan = plan_for(postgres, outside("create table a ()", "discard all", "create table b ()"))
    with pytest.raises(Unresolved, match=r"lost(.|\n)*are kept: 1, 2\."):
        apply_plan(postgres, plan)
    assert by_hand(postgres).query_one("select to_regclass('a'), to_regclass('b')") == ("a", None)
    assert journal(postgres) == [(1, 1, "done"), (1, 2, "done")]


@pytest.mark.parametrize(
    "leaving",
    [
        "create /* */ temp table kept ()",
        "create table pg_temp.kept ()",
        "prepare p as select 1",
        "select 'x' from set_config('a.b', 'c', false)",
        "do $$ begin perform set_config('a.b', 'c', false); end $$",
        "select pg_advisory_lock(1)",
    ],
)
def test_a_step_does_not_go_on_without_what_its_session_had(postgres: Any, leaving: str) -> None:
    plan = plan_for(postgres, outside("create table a ()", leaving, "create table b as table c"))
    with pytest.raises(Unresolved, match="half done"):
        apply_plan(postgres, plan)
    by_hand(postgres).execute("create table c ()")
    with pytest.raises(Unresolved, match="what statement 2 has left in its session"):
        apply_plan(postgres, plan)
    assert by_hand(postgres).query_one("select to_regclass('b')") == (None,)
    assert postgres.store.runs.read_runs(1)[0].status == "STUCK"


@pytest.mark.parametrize(
    "setting",
    [
        "select pg_catalog . set_config('a.b', 'c', false)",
        "select set_config('a.b', left_over, false) from (values ('c')) v (left_over)",
        "set a.b = c",
    ],
)
def test_a_setting_is_made_again_or_the_step_does_not_go_on(postgres: Any, setting: str) -> None:
    sql = "create table b as select current_setting('a.b') as value from c"
    plan = plan_for(postgres, outside(setting, sql))
    with pytest.raises(Unresolved, match="half done"):
        apply_plan(postgres, plan)
    by_hand(postgres).execute("create table c as select 1")
    if "from" in setting:
        with pytest.raises(Unresolved, match="what statement 1 has left"):
            apply_plan(postgres, plan)
        return
    apply_plan(postgres, plan)
    assert by_hand(postgres).query_all("table b") == [("c",)]


def test_rows_are_copied_outside_of_a_transaction(postgres: Any) -> None:
    data = "copy t from stdin;\n1\tä\n2\t\\N\n\\.\n"
    apply_up(postgres, {"001_x": f"{OUTSIDE}\ncreate table t (id int, note text);\n{data}"})
    assert by_hand(postgres).query_all("select id, note from t order by id") == [
        (1, "ä"),
        (2, None),
    ]


def test_a_refused_copy_leaves_no_row_and_no_open_transaction(postgres: Any) -> None:
    data = "copy t from stdin;\n1\nx\n\\.\n"
    with pytest.raises(Unresolved, match="done and kept: 1; not done: 2"):
        apply_up(postgres, {"001_x": f"{OUTSIDE}\ncreate table t (id int);\n{data}"})
    assert by_hand(postgres).query_all("table t") == []
    assert journal(postgres) == [(1, 1, "done")]


@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_in_a_statement_undoes_it_and_says_what_is_kept(
    tmp_path: Path, postgres_server: PostgresServer, postgres_database: str,
    bystander: Bystander, times: int,
) -> None:  # fmt: skip
    project = Project(tmp_path, postgres_server.url(postgres_database))
    project.write("001_x.sql", f"create table a ();\n{gate(GATE)};", flags=" transaction:false")
    with shut(bystander, GATE), project.start("up", "--allow-non-atomic") as process:
        await_at(bystander, GATE)
        for _ in range(times):
            os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 7
        assert process.stderr is not None
        assert "migrate resolve" in process.stderr.read()
        assert sessions(bystander) == []
    assert bystander.execute(JOURNAL).fetchall() == [(1, 1, "done")]
    assert project.migrate("resolve", "--finish", "--reason", "a test").code == 0
    assert bystander.execute(JOURNAL).fetchall() == []


def test_a_signal_in_the_first_statement_leaves_nothing(
    tmp_path: Path, postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    project = Project(tmp_path, postgres_server.url(postgres_database))
    project.write("001_x.sql", f"{gate(GATE)};", flags=" transaction:false")
    with shut(bystander, GATE), project.start("up", "--allow-non-atomic") as process:
        await_at(bystander, GATE)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == Exit.TERMINATED
        process.communicate()
    assert bystander.execute(JOURNAL).fetchall() == []
    assert bystander.execute("select status from lockgate_runs").fetchall() == [("ROLLED_BACK",)]


def test_a_statement_whose_process_was_killed_has_not_happened_and_is_run_again(
    tmp_path: Path, postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    project = Project(tmp_path, postgres_server.url(postgres_database))
    rows = f"create table a (id int);\ninsert into a select 1 from {gate(GATE)[7:]};"
    project.write("001_x.sql", rows, flags=" transaction:false")
    succeed(project.migrate("plan", "--allow-non-atomic"))
    accepted = ("apply", "plan.json", "--allow-non-atomic")
    with shut(bystander, GATE), project.start(*accepted) as process:
        await_at(bystander, GATE)
        process.kill()
        process.communicate()
        end_sessions(bystander)
    assert bystander.execute(JOURNAL).fetchall() == [(1, 1, "done"), (1, 2, None)]
    succeed(project.migrate("apply", "plan.json"))
    assert bystander.execute("table a").fetchall() == [(1,)]


def test_what_may_have_committed_is_unresolved_after_kill_9_until_it_is_settled(
    tmp_path: Path, postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    project = Project(tmp_path, postgres_server.url(postgres_database))
    body = f"begin commit; perform {gate(GATE)[7:]}; end"
    project.write("001_x.sql", f"create table a ();\ndo $$ {body} $$;", flags=" transaction:false")
    succeed(project.migrate("plan", "--allow-non-atomic"))
    accepted = ("apply", "plan.json", "--allow-non-atomic")
    with shut(bystander, GATE), project.start(*accepted) as process:
        await_at(bystander, GATE)
        process.kill()
        process.communicate()
        end_sessions(bystander)
    assert bystander.execute(JOURNAL).fetchall() == [(1, 1, "done"), (1, 2, None)]
    again = project.migrate("apply", "plan.json")
    assert again.code == Exit.UNRESOLVED
    assert "001_x.sql:3: statement 2 was begun" in again.err


def test_after_a_cut_connection_the_journal_knows_where_to_go_on(
    postgres: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    with (
        Proxy(postgres_server.host, postgres_server.port) as proxy,
        open_test_engine(postgres_server, postgres_database, port=proxy.port) as engine,
    ):
        plan = plan_for(engine, outside("create table a ()", "create table b ()"))
        fired = proxy.cut_when(
            lambda direction, message: (
                direction == "client" and message[:1] == b"P" and b"create table b" in message
            )
        )
        with pytest.raises(Unresolved, match="step 1 of 1"):
            apply_plan(engine, plan)
        assert fired.is_set()
    assert journal(postgres) == [(1, 1, "done"), (1, 2, None)]
    apply_plan(postgres, plan)
    assert journal(postgres) == []
    assert by_hand(postgres).query_one("select to_regclass('a'), to_regclass('b')") == ("a", "b")


@pytest.mark.parametrize("setting", ["set default_transaction_read_only = on", "set role nobody"])
def test_an_outcome_is_noted_whatever_its_session_may_write(postgres: Any, setting: str) -> None:
    by_hand(postgres).execute("drop role if exists nobody")
    by_hand(postgres).execute("create role nobody")
    with pytest.raises(Unresolved, match="done and kept: 1, 2; not done: 3"):
        apply_up(postgres, outside(setting, "select 1", "select 1 / 0"))
    assert journal(postgres) == [(1, 1, "done"), (1, 2, "done")]
    by_hand(postgres).execute("drop role nobody")
