"""What every engine promises of a plan: applied once, gone on with, or refused."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lockgate.executors.engine import Run
from lockgate.executors.events import RunStarted, StatementFinished, StepFinished, UnitCommitted
from lockgate.executors.ledger import rows
from lockgate.executors.ledger.tables import ALWAYS_MADE
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import (
    ExpiredPlan,
    HistoryError,
    Locked,
    StalePlan,
    StatementFailed,
    Unresolved,
    WrongTarget,
)
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import parse_plan, render_plan
from tests.executors.building import (
    Recorder,
    apply_plan,
    apply_up,
    by_hand,
    create_tables,
    down_plan_for,
    failure_of,
    new_identity,
    open_test_engine,
    plan_for,
    rebind,
)

FAILING = {**create_tables(4), "003_t3": "create table t3 (id int);\ninsert into t3 values (x);"}


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


def tables(engine: Any) -> list[str]:
    rows = by_hand(engine).query_all(
        "select table_name from information_schema.tables "
        "where table_schema in (%s, 'public') order by 1",
        (engine.server.database,),
    )
    return [name for (name,) in rows if name[0] == "t"]


def versions(engine: Any) -> list[str]:
    return [entry.version for entry in engine.store.read_ledger().entries]


def status(engine: Any) -> str:
    return str(engine.store.runs.read_runs(1)[0].status)


def test_a_plan_is_applied_recorded_and_told(engine: Any) -> None:
    plan, emit = plan_for(engine, create_tables(2)), Recorder()
    report = apply_plan(engine, plan, emit=emit)
    assert (report.outcome, report.steps) == ("applied", plan.steps)
    assert tables(engine) == ["t1", "t2"]
    ledger = engine.store.read_ledger()
    assert (ledger.serial, ledger.digest) == (plan.result.serial, plan.result.digest)
    assert (ledger.identity.project, ledger.identity.environment) == ("default", "test")
    assert ledger.unresolved == ()
    assert status(engine) == "COMMITTED"
    assert [event.number for event in emit.of(StepFinished)] == [1, 2]
    assert [event.place for event in emit.of(StatementFinished)] == [1, 1]
    assert emit.of(UnitCommitted)[-1].last == 2
    assert emit.of(RunStarted)[0].done == 0


def test_a_plan_is_applied_again_without_doing_anything(engine: Any, any_server: Any) -> None:
    plan = plan_for(engine, create_tables(2))
    apply_plan(engine, plan)
    before = any_server.dump(engine.server.database)
    emit = Recorder()
    report = apply_plan(engine, plan, emit=emit)
    assert (report.outcome, report.steps) == ("already applied", ())
    assert emit.events == []
    assert any_server.dump(engine.server.database) == before


def test_a_plan_survives_its_way_through_a_file(engine: Any) -> None:
    plan = plan_for(engine, create_tables(2))
    apply_plan(engine, parse_plan(render_plan(plan).encode(), "plan.json"))
    assert versions(engine) == ["001", "002"]


def test_an_empty_plan_writes_nothing(engine: Any) -> None:
    assert apply_plan(engine, plan_for(engine, {})).outcome == "nothing to do"
    assert not engine.store.read_ledger().present


def test_a_plan_of_a_state_that_is_past_is_stale(engine: Any, other: Any) -> None:
    plan = plan_for(engine, {"002_t2": create_tables(2)["002_t2"]})
    apply_up(other, create_tables(1))
    with pytest.raises(StalePlan):
        apply_plan(engine, plan)
    assert tables(engine) == ["t1"]


def test_a_down_plan_takes_back_the_newest_first(engine: Any) -> None:
    migrations = {
        name: f"-- migrate:up\n{sql}-- migrate:down\ndrop table {name[4:]};\n"
        for name, sql in create_tables(3).items()
    }
    apply_up(engine, migrations)
    plan = down_plan_for(engine, migrations, steps=2)
    assert [step.version for step in plan.steps] == ["003", "002"]
    apply_plan(engine, plan)
    assert (tables(engine), versions(engine)) == (["t1"], ["001"])
    assert engine.store.read_ledger().serial == 5
    assert apply_plan(engine, plan).outcome == "already applied"


def test_a_plan_goes_on_in_its_middle(engine: Any) -> None:
    plan = plan_for(engine, create_tables(4), transaction="step")
    engine.store.begin_run(Run("run-1", plan, "a", "0"), new_identity(engine))
    for serial, step in enumerate(plan.steps[:2]):
        by_hand(engine).execute(step.statements[0].sql)
        engine.store.record_migration(step, serial)
    emit = Recorder()
    report = apply_plan(engine, plan, emit=emit)
    assert report.steps == plan.steps[2:]
    assert emit.of(RunStarted)[0].done == 2
    assert [event.number for event in emit.of(StepFinished)] == [3, 4]
    assert versions(engine) == ["001", "002", "003", "004"]


def test_a_plan_does_not_go_on_where_another_has_come(engine: Any) -> None:
    plan = plan_for(engine, create_tables(4), transaction="step")
    apply_up(engine, create_tables(2))
    with pytest.raises(StalePlan, match="another plan has put them there"):
        apply_plan(engine, plan)
    assert versions(engine) == ["001", "002"]


def test_a_failure_in_mode_step_keeps_the_steps_before_and_goes_on(engine: Any) -> None:
    plan = plan_for(engine, FAILING, transaction="step")
    with pytest.raises(Unresolved) as caught:
        apply_plan(engine, plan)
    failure = failure_of(caught.value)
    assert (failure.number, failure.place, failure.line) == (3, 2, 3)
    assert "003_t3.sql:3" in str(caught.value)
    assert versions(engine) == ["001", "002"]
    assert engine.store.read_ledger().serial == 2
    with pytest.raises(Unresolved):
        apply_plan(engine, plan)
    assert versions(engine) == ["001", "002"]


def test_a_failure_in_the_middle_undoes_the_whole_plan(engine: Any) -> None:
    apply_up(engine, {"000_t0": "create table t0 (id int primary key);"})
    migrations = {"000_t0": "create table t0 (id int primary key);", **FAILING}
    plan = plan_for(engine, migrations)
    assert plan.verdict.startswith("ATOMIC")
    with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
        apply_plan(engine, plan)
    assert (tables(engine), versions(engine)) == (["t0"], ["000"])
    assert (engine.store.read_ledger().serial, engine.store.read_ledger().unresolved) == (1, ())
    assert status(engine) == "ROLLED_BACK"
    with pytest.raises(StatementFailed):
        apply_plan(engine, plan)


def test_a_failure_in_the_first_statement_changes_nothing(engine: Any) -> None:
    with pytest.raises(StatementFailed) as caught:
        apply_up(engine, {"001_x": "create table t1 (id nothing);"})
    assert "001_x.sql:2" in str(caught.value)
    assert tables(engine) == []
    assert versions(engine) == []
    assert status(engine) == "ROLLED_BACK"
    apply_up(engine, create_tables(1))
    assert tables(engine) == ["t1"]


def test_nothing_is_applied_while_another_holds_the_lock(engine: Any, other: Any) -> None:
    plan = plan_for(engine, create_tables(1))
    with other.lock.hold(0, Recorder()), pytest.raises(Locked):
        apply_plan(engine, plan)
    assert not engine.store.read_ledger().present
    apply_plan(engine, plan)


def test_a_plan_for_another_database_is_refused(engine: Any, any_server: Any) -> None:
    plan = plan_for(engine, create_tables(1))
    name = any_server.new_database()
    with open_test_engine(any_server, name) as elsewhere:
        with pytest.raises(WrongTarget):
            apply_plan(elsewhere, plan)
        assert elsewhere.store.read_ledger() == Ledger()
    any_server.drop_database(name)


def test_a_database_made_anew_under_the_same_name_is_refused(engine: Any) -> None:
    apply_up(engine, create_tables(1))
    plan = plan_for(engine, create_tables(2))
    rebind(engine)
    with pytest.raises(WrongTarget, match="identity"):
        apply_plan(engine, plan)
    assert tables(engine) == ["t1"]


@pytest.mark.parametrize("change", [{"environment": "staging"}, {"project": "other"}])
def test_another_environments_database_is_refused(engine: Any, change: dict[str, Any]) -> None:
    apply_up(engine, create_tables(1))
    with pytest.raises(WrongTarget, match=r"belongs to environment test of project default"):
        apply_up(engine, create_tables(2), **change)
    assert tables(engine) == ["t1"]


def test_another_projects_history_beside_ours_is_refused_before_it_writes(
    engine: Any, any_server: Any, any_database: str
) -> None:
    apply_up(engine, create_tables(1))
    settings: dict[str, Any] = {"history": {"table": "b_migrations"}, "project": "other"}
    with (
        open_test_engine(any_server, any_database, **settings) as beside,
        pytest.raises(WrongTarget, match="or by another project"),
    ):
        apply_up(beside, create_tables(2), project="other")
    assert tables(engine) == ["t1"]


def test_a_role_without_the_right_to_create_applies_rows(
    engine: Any, any_server: Any, any_database: str
) -> None:
    apply_up(engine, create_tables(1))
    writer = f"w{any_database[-8:]}"
    grants, undo = rights_to_write(any_server.engine, writer, any_database)
    for sql in grants:
        by_hand(engine).execute(sql)
    try:
        with open_test_engine(any_server, any_database, user=writer) as writing:
            apply_up(writing, create_tables(1) | {"002_rows": "insert into t1 values (1);"})
        assert by_hand(engine).query_one("select count(*) from t1") == (1,)
    finally:
        for sql in undo:
            by_hand(engine).execute(sql)


OWN_TABLES = ("schema_migrations", *ALWAYS_MADE)


def rights_to_write(engine: str, role: str, database: str) -> tuple[list[str], list[str]]:
    """What gives a role the right to change rows, and what takes it back."""
    rights = "select, insert, update, delete"
    if engine == "postgresql":
        return (
            [f"create role {role} login", "revoke create on schema public from public",
             f"grant {rights} on all tables in schema public to {role}",
             *(f"alter table {table} owner to {role}" for table in OWN_TABLES)],
            [f"drop owned by {role}", f"drop role {role}"],
        )  # fmt: skip
    return (
        [f"create user {role}@'%%'", f"grant {rights} on `{database}`.* to {role}@'%%'"],
        [f"drop user {role}@'%%'"],
    )


def test_a_copy_of_a_database_is_refused_until_it_is_rebound(engine: Any) -> None:
    foreign = dict.fromkeys(engine.server.evidence, "1")
    evidence = ";".join(f"{name}={value}" for name, value in sorted(foreign.items()))
    apply_up(engine, create_tables(1))
    by_hand(engine).execute("update lockgate_target set evidence = %s", (evidence,))
    with pytest.raises(WrongTarget, match="copy"):
        apply_up(engine, create_tables(2))
    rebind(engine)
    apply_up(engine, create_tables(2))


def test_an_expired_plan_is_refused(engine: Any) -> None:
    plan = plan_for(engine, create_tables(1), max_age=timedelta(seconds=-1))
    with pytest.raises(ExpiredPlan):
        apply_plan(engine, plan)
    assert not engine.store.read_ledger().present


def test_another_tools_history_stops_an_apply_before_it_writes(engine: Any) -> None:
    plan = plan_for(engine, create_tables(1))
    by_hand(engine).execute("create table schema_migrations (version varchar(128) primary key)")
    with pytest.raises(HistoryError):
        apply_plan(engine, plan)
    assert tables(engine) == []


def test_the_run_keeps_the_plan_word_for_word(engine: Any) -> None:
    sql = "create table t1 (note varchar(40) default 'ä 100% \\\\ ''x''');"
    plan = plan_for(engine, {"001_t1": sql})
    apply_plan(engine, plan)
    (text,) = by_hand(engine).query_one("select plan from lockgate_runs")
    assert Plan.model_validate(json.loads(text)) == plan


def test_a_plan_larger_than_any_packet_is_kept_in_pieces(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PLAN_PIECE", 1_001)
    values = ",".join(f"({number}, 'ä€😀 '' %s')" for number in range(2_000))
    sql = f"create table t1 (id int, note varchar(40));\ninsert into t1 values {values};"
    plan = plan_for(engine, {"001_t1": sql})
    apply_plan(engine, plan)
    longest = "select max(octet_length(text)), count(*) from lockgate_plans"
    ((size, count),) = by_hand(engine).query_all(longest)
    assert size <= 1_001 < 50_000 < size * count
    runs = engine.store.runs
    (run,) = runs.read_applied_plans()
    assert parse_plan(run.text.encode(), "the run") == runs.read_plan(run.id) == plan


def test_a_percent_sign_and_an_umlaut_reach_the_table(engine: Any) -> None:
    apply_up(
        engine,
        {
            "001_t1": "create table t1 (id int, note varchar(40));\n"
            "insert into t1 values (1, 'ä %s 100% 😀');\n"
            "select count(*) from t1 where id % 2 = 1;"
        },
    )
    assert by_hand(engine).query_all("select note from t1 where id = %s", (1,)) == [
        ("ä %s 100% 😀",)
    ]


def test_a_role_that_may_only_read_can_plan_and_creates_nothing(
    engine: Any, any_server: Any, any_database: str
) -> None:
    apply_up(engine, create_tables(1))
    reader = f"r{any_database[-8:]}"
    if any_server.engine == "postgresql":
        grants = [
            f"create role {reader} login",
            f"grant select on all tables in schema public to {reader}",
            "revoke execute on function pg_control_system() from public",
        ]
        undo = [f"drop owned by {reader}", f"drop role {reader}"]
    else:
        grants = [f"create user {reader}", f"grant select on `{any_database}`.* to {reader}"]
        undo = [f"drop user {reader}"]
    for sql in grants:
        by_hand(engine).execute(sql)
    before = any_server.dump(any_database)
    with open_test_engine(any_server, any_database, user=reader) as reading:
        plan = plan_for(reading, create_tables(2))
        assert [step.version for step in plan.steps] == ["002"]
        assert reading.server.evidence.items() <= engine.server.evidence.items()
        assert reading.store.runs.read_runs(1)[0].status == "COMMITTED"
        assert reading.lock.holder() is None
    assert any_server.dump(any_database) == before
    apply_plan(engine, plan)
    for sql in undo:
        by_hand(engine).execute(sql)


def test_line_ends_reach_the_server_as_the_file_has_them(engine: Any) -> None:
    sql = "create table t1 (id int primary key, note varchar(40));\n"
    literal = "insert into t1 values (1, 'Dear Ann,\r\nhello');\n"
    rows = 'copy t1 from stdin with (format csv);\n2,"a\r\nb"\n\\.\n'
    own = engine.server.dialect.name == "postgresql"
    apply_up(engine, {"001_t1": sql + literal + rows * own})
    found = by_hand(engine).query_all("select note from t1 order by id")
    assert found == [("Dear Ann,\r\nhello",), ("a\r\nb",)][: 1 + own]


def test_a_file_of_crlf_is_cut_like_one_of_lf(engine: Any) -> None:
    text = "-- migrate:up\n" + "".join(create_tables(2).values()) + "-- migrate:down\nselect 1;\n"
    apply_up(engine, {"001_both": text.replace("\n", "\r\n")})
    assert by_hand(engine).query_all("select * from t2") == []
