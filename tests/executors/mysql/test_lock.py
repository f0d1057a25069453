"""The migration lock on MySQL and MariaDB: two locks of the server, one on each of two sessions."""

import threading
from typing import Any

import pymysql
import pytest

from lockgate.executors.events import Undoing
from lockgate.planner.errors import Locked, Unresolved
from tests.executors.building import (
    OUTSIDE,
    Recorder,
    apply_plan,
    apply_up,
    create_tables,
    open_test_engine,
    plan_for,
)
from tests.executors.rows import ask, execute, sessions, wait_until_gone
from tests.servers.process import wait_until


def test_lock_names_are_short_in_lower_case_and_tell_databases_apart(
    family_server: Any, family_database: str
) -> None:
    names = set()
    other = family_server.new_database()
    for database, history in ((family_database, "A"), (family_database, "b"), (other, "A")):
        with (
            open_test_engine(family_server, database, history={"table": history}) as engine,
            engine.lock.hold(0, Recorder()),
        ):
            held = engine.lock.proof()[:2]
            assert all(len(name) <= 64 and name == name.lower() for name in held)
            names.update(held)
    assert len(names) == 6
    family_server.drop_database(other)


@pytest.mark.parametrize(
    ("right", "is_migrator"),
    [("", False), ("select on {schema}.*", False), ("insert on {schema}.*", True),
     ("insert on *.*", True), ("insert on {schema}.lockgate_runs", True)],
)  # fmt: skip
def test_a_holder_is_called_a_migrator_by_its_rights(
    family_server: Any, family_database: str, right: str, is_migrator: bool
) -> None:
    user = f"h{family_database[-8:]}"
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, create_tables(1))
        execute(family_server, None, f"create user {user}")
        if right:
            execute(family_server, None, f"grant {right.format(schema=family_database)} to {user}")
        name = engine.lock.proof()[1]
        stranger = pymysql.connect(host=family_server.host, port=family_server.port, user=user)
        try:
            stranger.cursor().execute("select get_lock(%s, 0)", (name,))
            with pytest.raises(Locked) as caught:
                apply_up(engine, create_tables(2))
            assert engine.lock.holder().is_migrator is is_migrator
            assert ("no migrator" in caught.value.what) is not is_migrator
            assert f"`kill {stranger.thread_id()}`" in caught.value.do
            execute(family_server, None, f"kill {stranger.thread_id()}")
            wait_until(lambda: engine.lock.holder() is None, "the lock is free")
            apply_up(engine, create_tables(2))
        finally:
            stranger.close()
            execute(family_server, None, f"drop user {user}")


def test_who_may_not_see_the_rights_of_others_is_told_so(
    family_server: Any, family_database: str
) -> None:
    user = f"h{family_database[-8:]}"
    execute(family_server, None, f"create user {user}")
    execute(family_server, None, f"grant select on {family_database}.* to {user}")
    try:
        with (
            open_test_engine(family_server, family_database) as engine,
            open_test_engine(family_server, family_database, user=user) as reader,
            engine.lock.hold(0, Recorder()),
        ):
            holder = reader.lock.holder()
            assert holder.is_migrator is None
            assert "is not known" in holder.standing
            assert holder.ending == f"kill {engine.lock.holder().pid}"
    finally:
        execute(family_server, None, f"drop user {user}")


def test_two_databases_do_not_exclude_each_other(family_server: Any, family_database: str) -> None:
    other = family_server.new_database()
    with (
        open_test_engine(family_server, family_database) as one,
        open_test_engine(family_server, other) as two,
        one.lock.hold(0, Recorder()),
        two.lock.hold(0, Recorder()),
        pytest.raises(Locked),
        open_test_engine(family_server, other) as three,
        three.lock.hold(0, Recorder()),
    ):
        pass
    family_server.drop_database(other)


def test_the_lock_ends_with_its_sessions(family_server: Any, family_database: str) -> None:
    with open_test_engine(family_server, family_database) as engine:
        entered = engine.lock.hold(0, Recorder())
        entered.__enter__()
        for pid in sessions(family_server, family_database):
            execute(family_server, None, f"kill {pid}")
        wait_until_gone(family_server, family_database)
        with (
            open_test_engine(family_server, family_database) as other,
            other.lock.hold(5, Recorder()),
        ):
            other.lock.prove()


def test_nobody_gets_in_between_sections(family_server: Any, family_database: str) -> None:
    execute(family_server, family_database, "create table t (id int)")
    got: list[bool] = []
    ready, over = threading.Event(), threading.Event()

    def contend() -> None:
        with open_test_engine(family_server, family_database) as contender:
            while not over.is_set():
                try:
                    with contender.lock.hold(0, Recorder()):
                        got.append(not over.is_set())
                except Locked:
                    ready.set()

    with (
        open_test_engine(family_server, family_database) as engine,
        engine.lock.hold(0, Recorder()),
    ):
        thread = threading.Thread(target=contend)
        thread.start()
        try:
            assert ready.wait(60)
            for _ in range(30):
                engine.lock.renew()
                engine.lock.prove()
        finally:
            over.set()
    thread.join(30)
    assert True not in got


def giving_away(engine: Any) -> str:
    """A statement that gives the migration lock away, by its name."""
    _, work, _ = engine.lock.guard_proof()
    return f"do release_lock('{work}')"


@pytest.mark.parametrize("kept", [True, False])
def test_a_section_of_kept_statements_that_gives_the_lock_away_is_stopped_there(
    family_server: Any, family_database: str, kept: bool
) -> None:
    first = "create table first (id int);\n" if kept else "do 0;\n"
    with open_test_engine(family_server, family_database) as engine:
        sql = f"{OUTSIDE}\n{first}{giving_away(engine)};\ncreate table after_it (id int);"
        with pytest.raises(Unresolved if kept else Locked, match="lock was lost"):
            apply_up(engine, {"001_release": sql, "002_next": "create table next (id int)"})
    names = {name for (name,) in ask(family_server, family_database, "show tables")}
    assert not names & {"after_it", "next"}
    assert ("first" in names) == kept


def test_a_unit_that_gives_the_lock_away_is_stopped_there_and_undone_by_the_next_run(
    family_server: Any, family_database: str
) -> None:
    recorder = Recorder()
    with open_test_engine(family_server, family_database) as engine:
        first, after_it = "create table first (id int)", "create table after_it (id int)"
        sql = f"{first};\n{giving_away(engine)};\n{after_it}"
        plan = plan_for(engine, {"001_release": sql, "002_next": "create table next (id int)"})
        for emit in (Recorder(), recorder):
            with pytest.raises(Unresolved, match="lock was lost"):
                apply_plan(engine, plan, emit=emit)
            names = {name for (name,) in ask(family_server, family_database, "show tables")}
            assert not names & {"after_it", "next"}
        assert engine.store.read_ledger().unresolved == (plan.digest,)
    assert [event.statements for event in recorder.of(Undoing)] == [1]


def test_rows_of_a_section_that_gives_the_lock_away_are_rolled_back(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table t (id int)")
    with open_test_engine(family_server, family_database) as engine:
        sql = f"insert into t values (1);\n{giving_away(engine)};\ninsert into t values (2);"
        with pytest.raises(Locked, match="lock was lost"):
            apply_up(engine, {"001_release": sql})
        assert engine.store.read_ledger().unresolved == ()
    assert ask(family_server, family_database, "select * from t") == []


def test_a_guard_that_was_killed_is_noticed(family_server: Any, family_database: str) -> None:
    with (
        open_test_engine(family_server, family_database) as engine,
        engine.lock.hold(0, Recorder()),
    ):
        before = sessions(family_server, family_database)
        (work,) = engine.session.query_one("select connection_id()") or (0,)
        (guard,) = before - {work}
        execute(family_server, None, f"kill {guard}")
        wait_until(lambda: guard not in sessions(family_server, family_database), "its end")
        with pytest.raises(Locked):
            engine.lock.prove()


def test_a_session_that_has_our_old_id_on_a_server_started_again_is_left_alone(
    family_server: Any, family_database: str
) -> None:
    for _ in range(50):  # so that the new server has not yet given away the id
        ask(family_server, None, "select 1")
    with (
        open_test_engine(family_server, family_database) as engine,
        engine.lock.hold(0, Recorder()),
    ):
        (pid,) = engine.session.query_one("select connection_id()") or (0,)
        family_server.restart()
        bystander = family_server.connect(None)
        while bystander.thread_id() < pid:
            bystander.close()
            bystander = family_server.connect(None)
        assert bystander.thread_id() == pid
        engine.lock.end_session()
        with bystander.cursor() as cursor:
            assert cursor.execute("select 1") == 1
        bystander.close()


def test_a_session_that_still_runs_is_ended(family_server: Any, family_database: str) -> None:
    with (
        open_test_engine(family_server, family_database) as engine,
        engine.lock.hold(0, Recorder()),
    ):
        (pid,) = engine.session.query_one("select connection_id()") or (0,)
        engine.lock.end_session()
        assert pid not in sessions(family_server, family_database)
        engine.lock.prove()
