"""What every engine promises: the session, the ledger, the record and the lock."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from lockgate.executors.commit_outcome import UNDER_WAY
from lockgate.executors.engine import Run
from lockgate.executors.events import LockAwaited
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.store import NOTE_RUN
from lockgate.executors.ledger.tables import ADDED
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import HistoryError, Locked, Unreachable
from lockgate.planner.plan.receipt import Job
from lockgate.planner.plan.verify import encode_evidence
from tests.executors.building import (
    AUTHOR,
    Recorder,
    by_hand,
    create_tables,
    lock_held_elsewhere,
    new_identity,
    open_test_engine,
    plan_for,
)
from tests.servers.process import free_port, wait_until

TABLES = {
    "schema_migrations": {"version", "name", "checksum", "applied_at"},
    "lockgate_target": {"id", "uuid", "project", "environment", "evidence", "serial"},
    "lockgate_runs": {
        *("id", "plan_digest", "intent_digest", "direction", "environment", "status", "actor"),
        *("tool_version", "started_at", "finished_at", "plan", "approvers", "error", "receipt"),
        *ADDED,
    },
    "lockgate_plans": {"run_id", "piece", "text"},
    "lockgate_journal": {
        *("run_id", "step", "statement", "digest", "intent_at", "outcome", "done_at"),
    },
}
COLUMNS = """
select table_name, column_name from information_schema.columns
where table_schema not in ('information_schema', 'pg_catalog', 'mysql', 'sys',
                           'performance_schema') and table_schema in (%s, 'public')
"""


@pytest.fixture
def engine(any_server: Any, any_database: str) -> Iterator[Any]:
    """A session on a fresh database."""
    with open_test_engine(any_server, any_database) as opened:
        yield opened


@pytest.fixture
def other(any_server: Any, any_database: str) -> Iterator[Any]:
    """A second session on the same database."""
    with open_test_engine(any_server, any_database, name="other") as opened:
        yield opened


def tables(engine: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in by_hand(engine).query_all(COLUMNS, (engine.server.database,)):
        found.setdefault(table, set()).add(column)
    return found


def run_of(engine: Any, run_id: str = "run-1") -> Run:
    return Run(run_id, plan_for(engine, create_tables(2)), "somebody", "1.2.3")


def serial(engine: Any) -> int:
    return int(engine.store.read_ledger().serial)


def test_the_facts_of_the_server_are_its_own(engine: Any, any_server: Any) -> None:
    server = engine.server
    assert server.dialect.name == any_server.engine
    assert server.version.startswith(str(server.dialect.version // 10000))
    assert server.evidence
    assert not server.read_only
    assert server.now.utcoffset() == timedelta(0)
    assert server.now.tzinfo is UTC
    (now,) = by_hand(engine).query_one("select current_timestamp")
    assert abs(now.replace(tzinfo=UTC) - server.now) < timedelta(seconds=30)


def test_evidence_is_equal_for_two_sessions_and_not_for_two_databases(
    engine: Any, other: Any, any_server: Any
) -> None:
    assert engine.server.evidence == other.server.evidence
    name = any_server.new_database()
    with open_test_engine(any_server, name) as elsewhere:
        assert elsewhere.server.evidence != engine.server.evidence
    any_server.drop_database(name)


def test_a_statement_says_how_many_rows_it_touched(engine: Any) -> None:
    by_hand(engine).execute("create table t (id int, note varchar(20))")
    assert by_hand(engine).execute("insert into t values (%s, %s), (2, null)", (1, "100% 'x'")) == 2
    assert by_hand(engine).query_one("select id, note from t where id = %s", (1,)) == (
        1,
        "100% 'x'",
    )
    assert by_hand(engine).query_one("select id from t where id = 3") is None
    assert by_hand(engine).query_all("select id from t order by id") == [(1,), (2,)]
    assert by_hand(engine).execute("update t set note = 'y' where id = 2") == 1


def test_a_refused_statement_is_a_server_error_with_its_code(engine: Any) -> None:
    with pytest.raises(ServerError, match="nowhere") as caught:
        by_hand(engine).execute("insert into nowhere values (1)")
    assert caught.value.code in ("42P01", "1146")
    assert by_hand(engine).query_one("select 1") == (1,)


def test_two_statements_in_one_text_are_refused(engine: Any) -> None:
    by_hand(engine).execute("create table t (id int)")
    with pytest.raises(ServerError):
        by_hand(engine).query_all("select id from t where id = %s; drop table t", (1,))
    assert by_hand(engine).query_all("select id from t") == []


def test_a_transaction_commits(engine: Any, other: Any) -> None:
    by_hand(engine).execute("create table t (id int)")
    with engine.session.transaction():
        by_hand(engine).execute("insert into t values (1)")
        assert by_hand(other).query_all("select id from t") == []
    assert by_hand(other).query_all("select id from t") == [(1,)]


def test_a_transaction_is_rolled_back_by_any_exception(engine: Any) -> None:
    by_hand(engine).execute("create table t (id int)")

    def insert_and(then: Callable[[], object]) -> None:
        with engine.session.transaction():
            by_hand(engine).execute("insert into t values (1)")
            then()

    with pytest.raises(ZeroDivisionError):
        insert_and(lambda: 1 / 0)
    with pytest.raises(ServerError):
        insert_and(lambda: by_hand(engine).execute("insert into nowhere values (1)"))
    assert by_hand(engine).query_all("select id from t") == []


def test_reading_an_empty_database_creates_nothing(engine: Any) -> None:
    assert engine.store.read_ledger() == Ledger()
    assert engine.store.runs.read_runs(5) == []
    assert tables(engine) == {}


def test_the_four_tables_are_made_once_with_their_columns(engine: Any) -> None:
    identity = new_identity(engine)
    for each in (identity, identity, new_identity(engine)):
        engine.store.ensure_tables(each)
    images = set() if engine.server.dialect.transactional_ddl else {"image"}
    assert tables(engine) == {**TABLES, "lockgate_journal": TABLES["lockgate_journal"] | images}
    ledger = engine.store.read_ledger()
    assert ledger.identity == identity
    assert (ledger.serial, ledger.entries, ledger.unresolved) == (0, (), ())


def test_recording_moves_the_serial_and_removing_moves_it_on(engine: Any) -> None:
    engine.store.ensure_tables(new_identity(engine))
    one, two = plan_for(engine, create_tables(2)).steps
    engine.store.record_migration(one, 0)
    engine.store.record_migration(two, 1)
    ledger = engine.store.read_ledger()
    assert [entry.version for entry in ledger.entries] == ["001", "002"]
    assert ledger.entries[0].checksum == one.checksum
    assert abs(ledger.entries[0].applied_at - engine.server.now) < timedelta(seconds=30)
    engine.store.record_migration(two.model_copy(update={"direction": "down"}), 2)
    ledger = engine.store.read_ledger()
    assert ([entry.version for entry in ledger.entries], ledger.serial) == (["001"], 3)


@pytest.mark.parametrize("wrong", [0, 2])
def test_a_wrong_serial_is_fenced_off(engine: Any, wrong: int) -> None:
    engine.store.ensure_tables(new_identity(engine))
    one, two = plan_for(engine, create_tables(2)).steps
    engine.store.record_migration(one, 0)
    down = one.model_copy(update={"direction": "down"})
    with pytest.raises(Locked):
        engine.store.record_migration(two, wrong)
    with pytest.raises(Locked):
        engine.store.record_migration(down, wrong)
    ledger = engine.store.read_ledger()
    assert ([entry.version for entry in ledger.entries], ledger.serial) == (["001"], 1)


def test_a_row_with_another_checksum_is_not_removed(engine: Any) -> None:
    engine.store.ensure_tables(new_identity(engine))
    (one,) = plan_for(engine, create_tables(1)).steps
    engine.store.record_migration(one, 0)
    foreign = one.model_copy(update={"direction": "down", "checksum": "0" * 64})
    with pytest.raises(Locked):
        engine.store.record_migration(foreign, 1)
    ledger = engine.store.read_ledger()
    assert ([entry.version for entry in ledger.entries], ledger.serial) == (["001"], 1)


def test_a_record_keeps_the_checksum(engine: Any) -> None:
    engine.store.ensure_tables(new_identity(engine))
    (step,) = plan_for(engine, create_tables(1)).steps
    engine.store.record_migration(step, 0)
    assert [entry.checksum for entry in engine.store.read_ledger().entries] == [step.checksum]


def test_runs_are_kept_newest_first_with_their_end(engine: Any, other: Any) -> None:
    engine.store.begin_run(run_of(engine), new_identity(engine))
    (begun,) = other.store.runs.read_runs(5)
    assert (begun.id, begun.actor) == ("run-1", "somebody")
    assert begun.status in UNDER_WAY
    assert (begun.direction, begun.tool_version, begun.error) == ("up", "1.2.3", "")
    assert begun.started_at.endswith("+00:00")
    assert begun.finished_at == ""
    engine.store.finish_run("run-1", "STOPPED", "it's 100% over")
    engine.store.begin_run(run_of(engine, "run-2"), new_identity(engine))
    newest, oldest = other.store.runs.read_runs(5)
    assert (newest.id, oldest.id) == ("run-2", "run-1")
    assert (oldest.status, oldest.error) == ("STOPPED", "it's 100% over")
    assert oldest.finished_at >= oldest.started_at
    assert [run.id for run in other.store.runs.read_runs(1)] == ["run-2"]


def test_a_run_is_read_by_its_id(engine: Any) -> None:
    for name in ("run-1", "run-2"):
        engine.store.begin_run(run_of(engine, name), new_identity(engine))
    assert engine.store.runs.read_run("run-1") == engine.store.runs.read_runs(5)[1]


def test_a_run_that_was_wholly_applied_stays_so_no_matter_who_ends_it(
    engine: Any, other: Any
) -> None:
    run = run_of(engine)
    engine.store.begin_run(run, new_identity(engine))
    other.store.finish_run("run-1", "COMMITTED")
    engine.store.finish_run("run-1", "STUCK", "interrupted")
    past = engine.store.runs.read_run("run-1")
    assert (past.status, past.error) == ("COMMITTED", "")
    assert engine.store.runs.read_finished(run.plan).id == "run-1"
    engine.store.write((NOTE_RUN, ("finished by hand", "run-1")))
    assert engine.store.runs.read_run("run-1") == replace(past, error="finished by hand")


def test_a_run_that_died_is_closed_by_the_next(engine: Any) -> None:
    engine.store.begin_run(run_of(engine), new_identity(engine))
    engine.store.begin_run(run_of(engine, "run-2"), new_identity(engine))
    newest, oldest = engine.store.runs.read_runs(5)
    assert newest.status in UNDER_WAY
    assert oldest.status == "STOPPED"


def test_the_journal_tells_done_from_begun(engine: Any) -> None:
    run = run_of(engine)
    engine.store.begin_run(run, new_identity(engine))
    assert engine.store.runs.read_journal(run.plan.digest) is None
    journal = engine.store.named("{journal}")
    for statement, outcome in ((1, "done"), (2, None)):
        by_hand(engine).execute(
            f"insert into {journal} (run_id, step, statement, digest, intent_at, outcome) "
            "values (%s, 1, %s, %s, current_timestamp, %s)",
            (run.id, statement, "0" * 64, outcome),
        )
    left = engine.store.runs.read_journal(run.plan.digest)
    assert (left.run_id, left.outcomes) == ("run-1", {(1, 1): "done", (1, 2): ""})
    assert engine.store.read_ledger().unresolved == (run.plan.digest,)
    engine.store.begin_run(run_of(engine, "run-2"), new_identity(engine))
    assert {run.id: run.status for run in engine.store.runs.read_runs(5)}["run-1"] in UNDER_WAY
    engine.store.resume_run(replace(run, actor="another"))
    engine.store.settle_run("run-1", "a test's end")
    assert engine.store.runs.read_journal(run.plan.digest) is None


def test_a_ledger_of_an_older_version_is_read_and_gets_its_column(
    engine: Any, other: Any, any_server: Any, any_database: str
) -> None:
    engine.store.begin_run(run_of(engine), new_identity(engine))
    by_hand(engine).execute(engine.store.named("alter table {runs} drop column job"))
    assert [run.job for run in other.store.runs.read_runs(5)] == [None]
    job = Job(system="CI", run="7")
    other.store.resume_run(replace(run_of(engine), job=job))
    assert other.store.runs.read_run("run-1").job == job
    for column in ADDED:
        by_hand(engine).execute(engine.store.named(f"alter table {{runs}} drop column {column}"))
    with open_test_engine(any_server, any_database) as fresh:
        fresh.store.begin_run(replace(run_of(engine, "run-2"), job=job), new_identity(engine))
        assert [run.job for run in fresh.store.runs.read_runs(5)] == [job, None]


def test_a_job_that_others_have_written_is_told(engine: Any) -> None:
    engine.store.begin_run(run_of(engine), new_identity(engine))
    by_hand(engine).execute(engine.store.named("update {runs} set job = 'x'"))
    with pytest.raises(HistoryError, match="job that cannot be read"):
        engine.store.runs.read_runs(5)


def test_rebinding_keeps_the_history(engine: Any) -> None:
    engine.store.ensure_tables(new_identity(engine))
    (step,) = plan_for(engine, create_tables(1)).steps
    engine.store.record_migration(step, 0)
    before = engine.store.read_ledger()
    identity = new_identity(engine, project="other", environment="copy")
    engine.store.rebind(before.identity, identity, AUTHOR)
    after = engine.store.read_ledger()
    assert after.identity == identity
    assert after.identity.evidence == encode_evidence(engine.server.evidence)
    assert (after.serial, after.entries) == (before.serial, before.entries)
    (noted,) = engine.store.runs.read_runs(5)
    assert (noted.direction, noted.status, noted.actor) == ("rebind", "CLEANED", AUTHOR.actor)
    names = [(one.uuid, one.environment) for one in (before.identity, identity)]
    assert [*noted.rebound] == names
    assert engine.store.runs.find_run(noted.id) == noted
    assert engine.store.runs.read_applied_plans() == []


def test_the_lock_excludes_another_session_and_is_free_afterwards(engine: Any, other: Any) -> None:
    assert other.lock.holder() is None
    with engine.lock.hold(0, Recorder()):
        with pytest.raises(Locked), other.lock.hold(0, Recorder()):
            pass
        engine.lock.prove()
        assert other.lock.holder() is not None
    assert other.lock.holder() is None
    with other.lock.hold(0, Recorder()):
        other.lock.prove()


def test_the_lock_is_free_after_an_exception(engine: Any, other: Any) -> None:
    with pytest.raises(LookupError), engine.lock.hold(0, Recorder()):
        raise LookupError
    with other.lock.hold(0, Recorder()):
        pass


def test_two_databases_of_a_server_have_two_locks(engine: Any, any_server: Any) -> None:
    name = any_server.new_database()
    with (
        open_test_engine(any_server, name) as elsewhere,
        engine.lock.hold(0, Recorder()),
        elsewhere.lock.hold(0, Recorder()),
    ):
        elsewhere.lock.prove()
    any_server.drop_database(name)


def test_a_waiter_sees_the_holder_and_gets_the_lock_when_he_leaves(engine: Any, other: Any) -> None:
    awaited = Recorder()
    leave, left = threading.Event(), threading.Event()

    def hold() -> None:
        with engine.lock.hold(0, Recorder()):
            leave.wait(60)
        left.set()

    thread = threading.Thread(target=hold)
    thread.start()
    wait_until(lambda: other.lock.holder() is not None, "the holder has the lock")
    holder = other.lock.holder()

    def emit(event: Any) -> None:
        awaited(event)
        leave.set()

    with other.lock.hold(30, emit):
        assert left.wait(60)
    thread.join()
    first = awaited.events[0]
    assert isinstance(first, LockAwaited)
    assert first.holder is not None
    assert holder is not None
    # MySQL counts whole seconds back from now, so two answers may be a second apart.
    assert replace(first.holder, since="") == replace(holder, since="")
    assert holder.user in str(first.holder)


def test_a_wait_in_vain_names_the_holder(engine: Any, other: Any) -> None:
    started = time.monotonic()
    with engine.lock.hold(0, Recorder()):
        holder = other.lock.holder()
        with pytest.raises(Locked) as caught, other.lock.hold(0.3, Recorder()):
            pass
    assert time.monotonic() - started >= 0.3
    assert f"pid {holder.pid}" in str(caught.value)
    assert holder.user in str(caught.value)


def test_the_lock_is_free_when_its_holder_was_killed(
    engine: Any, any_server: Any, any_database: str
) -> None:
    with lock_held_elsewhere(any_server, any_database) as holder:
        assert engine.lock.holder() is not None
        with pytest.raises(Locked), engine.lock.hold(0, Recorder()):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        with engine.lock.hold(30, Recorder()):
            engine.lock.prove()


def test_a_lock_released_behind_our_back_is_not_proved(engine: Any, any_server: Any) -> None:
    own = any_server.engine == "postgresql"
    release = "select pg_advisory_unlock_all()" if own else "select release_all_locks()"
    with engine.lock.hold(0, Recorder()):
        by_hand(engine).query_one(release)
        with pytest.raises(Locked):
            engine.lock.prove()


def test_a_lock_whose_session_was_killed_is_not_proved(engine: Any, other: Any) -> None:
    with engine.lock.hold(0, Recorder()):
        pid = other.lock.holder().pid
        own = engine.server.dialect.name == "postgresql"
        by_hand(other).query_all(f"select pg_terminate_backend({pid})" if own else f"kill {pid}")
        with pytest.raises((Locked, Unreachable)):
            engine.lock.prove()


def test_another_tools_history_is_refused_and_left_alone(engine: Any) -> None:
    by_hand(engine).execute("create table schema_migrations (version varchar(128) primary key)")
    by_hand(engine).execute("insert into schema_migrations values ('20240101000000')")
    with pytest.raises(HistoryError, match="version"):
        engine.store.read_ledger()
    assert tables(engine) == {"schema_migrations": {"version"}}


def test_an_empty_version_is_refused(engine: Any) -> None:
    engine.store.ensure_tables(new_identity(engine))
    by_hand(engine).execute(
        "insert into schema_migrations values ('', 'x', %s, now())", ("0" * 64,)
    )
    with pytest.raises(HistoryError, match="empty version"):
        engine.store.read_ledger()


def test_an_unreachable_server_is_said_without_the_password(any_server: Any) -> None:
    url = f"{any_server.engine}://root:s3cret@127.0.0.1:{free_port()}/shop"
    settings = {"database": {"url": url}}
    with pytest.raises(Unreachable) as caught, open_test_engine(any_server, "x", **settings):
        pass
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
