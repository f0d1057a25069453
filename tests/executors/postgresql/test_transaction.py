"""PostgreSQL: a plan is one transaction, and a failure leaves the schema as it was."""

from datetime import UTC, timedelta
from typing import Any

import psycopg
import pytest

from lockgate.executors.events import StatementFinished, UnitCommitted
from lockgate.executors.postgresql.units.transaction import MANY
from lockgate.planner.errors import StatementFailed, Unreachable, Unresolved
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
from tests.servers.postgres import PostgresServer

DEFERRED = """\
create table parent (id int primary key);
create table child (parent int references parent deferrable initially deferred);
insert into child values (7);
"""
FAILURES = {
    "missing column": ("select 1;\n  select missing;", "42703", (3, 8)),
    "missing table": ("select 1;\n\nselect *\n  from nowhere;", "42P01", (5, 8)),
    "division by zero": ("do $$ begin\n perform 1 / 0;\nend $$;", "22012", (2, 0)),
    "unique": ("insert into kept values (1);", "23505", (2, 0)),
}


def schema(server: PostgresServer, database: str) -> str:
    """The dump without what lockgate writes of a run that failed."""
    text = server.dump(database)
    head, _, rest = text.partition("COPY public.lockgate_runs")
    return head + rest.partition("\\.\n")[2]


def statements_of(server: PostgresServer, mark: int, database: str, word: str) -> list[str]:
    return [sql for sql in server.statements_since(mark, database) if word in sql]


@pytest.fixture
def prepared(postgres: Any) -> Any:
    """A database with a first migration and a row."""
    apply_up(postgres, {"000_kept": "create table kept (id int primary key);"})
    by_hand(postgres).execute("insert into kept values (1)")
    return postgres


def twenty_with(failing: str) -> dict[str, str]:
    """Twenty steps whose seventeenth fails, behind the first migration."""
    first = {"000_kept": "create table kept (id int primary key);"}
    return {**first, **create_tables(16), "017_bad": failing, **create_tables(3, first=18)}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_at_step_17_of_20_leaves_the_schema_byte_equal(
    prepared: Any, postgres_server: PostgresServer, postgres_database: str, kind: str
) -> None:
    sql, code, place = FAILURES[kind]
    before = schema(postgres_server, postgres_database)
    with pytest.raises(StatementFailed) as caught:
        apply_up(prepared, twenty_with(sql))
    assert schema(postgres_server, postgres_database) == before
    failure = failure_of(caught.value)
    assert (failure.number, failure.error.code) == (17, code)
    assert (failure.line, failure.column) == place
    position = ":".join(str(part) for part in place if part)
    assert f"017_bad.sql:{position}: {failure.error.message} ({code})" in str(caught.value)
    assert prepared.store.runs.read_runs(1)[0].status == "ROLLED_BACK"
    assert prepared.lock.holder() is None


def test_a_failing_commit_leaves_the_schema_byte_equal(
    prepared: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    before = schema(postgres_server, postgres_database)
    with pytest.raises(StatementFailed) as caught:
        apply_up(prepared, twenty_with(DEFERRED))
    assert schema(postgres_server, postgres_database) == before
    failure = failure_of(caught.value)
    assert (failure.error.code, failure.place, failure.statement) == ("23503", 0, None)
    assert 'Key (parent)=(7) is not present in table "parent".' in failure.error.detail


ROWS = "insert into child values (7);\n"
HEALING = "insert into parent values (7);\n"
TABLES = DEFERRED.removesuffix(ROWS)


def test_each_migration_is_checked_at_its_own_end(postgres: Any) -> None:
    with pytest.raises(StatementFailed) as caught:
        apply_up(postgres, {"001_t": TABLES, "002_rows": ROWS, "003_heals": HEALING})
    failure = failure_of(caught.value)
    assert (failure.error.code, failure.number, failure.step.version) == ("23503", 2, "002")


def test_the_next_migration_may_alter_a_table_whose_rows_were_deferred(postgres: Any) -> None:
    altered = "alter table child add column more int;"
    plan = plan_for(postgres, {"001_t": TABLES, "002_r": ROWS + HEALING, "003_a": altered})
    assert len(plan.units(0)) == 1
    apply_plan(postgres, plan)


def test_each_migration_finds_the_constraints_in_the_modes_that_they_were_made_with(
    postgres: Any,
) -> None:
    prompt = "alter table child add constraint prompt unique (parent) deferrable;\n"
    fixed = "create table fixed (a int constraint child_parent_fkey check (a > 0));\n"
    migrations = {
        "001_t": TABLES + prompt + "set constraints all deferred;",
        "002_deferred": ROWS + HEALING,
        "003_immediate": "set constraints all immediate;",
        "004_deferred": "insert into child values (8); insert into parent values (8);",
        "005_prompt": "do $$ begin insert into child values (8);\n"
        "raise 'deferred'; exception when unique_violation then null; end $$;",
        "006_last": fixed + "select 1;",
        "007_last": "select 1;",
    }
    apply_up(postgres, migrations)
    assert by_hand(postgres).query_all("select * from child order by 1") == [(7,), (8,)]


def test_a_failure_in_the_commit_is_that_of_the_last_migration(postgres: Any) -> None:
    with pytest.raises(StatementFailed) as caught:
        apply_up(postgres, {"001_t": TABLES, "002_rows": ROWS})
    assert failure_of(caught.value).step.version == "002"


def test_a_failure_in_the_bookkeeping_leaves_the_schema_byte_equal(
    prepared: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    before = schema(postgres_server, postgres_database)
    with pytest.raises(StatementFailed) as caught:
        apply_up(prepared, twenty_with("set local transaction_read_only = on;"))
    assert schema(postgres_server, postgres_database) == before
    failure = failure_of(caught.value)
    assert (failure.number, failure.place, failure.error.code) == (17, 0, "25006")


def test_a_failure_tells_hint_and_detail(postgres: Any) -> None:
    with pytest.raises(StatementFailed) as caught:
        apply_up(postgres, {"001_x": "create table t (amount int);\nselect amuont from t;"})
    error = failure_of(caught.value).error
    assert 'Perhaps you meant to reference the column "t.amount"' in error.hint
    assert error.position == 8


def test_a_role_without_rights_is_told_so_and_nothing_runs(
    postgres: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    role = f"w{postgres_database[-8:]}"
    by_hand(postgres).execute(f"create role {role} login")
    by_hand(postgres).execute("revoke create on schema public from public")  # given before 15
    with open_test_engine(postgres_server, postgres_database, user=role) as engine:
        with pytest.raises(StatementFailed, match="permission denied for schema public"):
            apply_up(engine, create_tables(1))
        assert engine.lock.holder() is None
    by_hand(postgres).execute(f"drop role {role}")


def test_a_plan_is_one_transaction_and_one_unit(
    postgres: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    plan, emit, mark = plan_for(postgres, create_tables(5)), Recorder(), postgres_server.log_mark()
    assert plan.verdict.startswith("ATOMIC")
    apply_plan(postgres, plan, emit=emit)
    assert [(event.first, event.last) for event in emit.of(UnitCommitted)] == [(1, 5)]
    ids = by_hand(postgres).query_all("select distinct xmin::text from schema_migrations")
    assert len(ids) == 1
    assert len(statements_of(postgres_server, mark, postgres_database, "create table t")) == 5


def test_in_mode_step_each_step_is_a_transaction(postgres: Any) -> None:
    emit = Recorder()
    apply_up(postgres, create_tables(3), transaction="step", emit=emit)
    assert [(e.first, e.last) for e in emit.of(UnitCommitted)] == [(1, 1), (2, 2), (3, 3)]
    assert (
        len(by_hand(postgres).query_all("select distinct xmin::text from schema_migrations")) == 3
    )


def test_a_mixed_plan_is_cut_in_units(postgres: Any) -> None:
    outside = f"{OUTSIDE}\ncreate index concurrently i on t2 (id);\n"
    migrations = {**create_tables(2), "003_i": outside, **create_tables(2, first=4)}
    plan, emit = plan_for(postgres, migrations), Recorder()
    assert plan.verdict == "ATOMIC IN PARTS (3 units, each all or nothing)"
    apply_plan(postgres, plan, emit=emit)
    assert [(e.first, e.last) for e in emit.of(UnitCommitted)] == [(1, 2), (3, 3), (4, 5)]


def test_a_failure_behind_a_cut_keeps_what_came_before_and_goes_on(postgres: Any) -> None:
    outside = f"{OUTSIDE}\ncreate index concurrently i on t1 (id);\n"
    migrations = {**create_tables(1), "002_i": outside, "003_x": "insert into later values (1);"}
    plan = plan_for(postgres, migrations)
    with pytest.raises(Unresolved, match="kept: 001, 002"):
        apply_plan(postgres, plan)
    assert postgres.store.runs.read_runs(1)[0].status == "STOPPED"
    by_hand(postgres).execute("create table later (id int)")
    assert [step.version for step in apply_plan(postgres, plan).steps] == ["003"]


def test_a_migration_that_ends_its_own_session_changes_nothing(
    prepared: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    before = schema(postgres_server, postgres_database)
    with pytest.raises(Unreachable):
        apply_up(prepared, twenty_with("select pg_terminate_backend(pg_backend_pid());"))
    assert schema(postgres_server, postgres_database) == before
    assert prepared.lock.holder() is None


def test_a_lost_connection_behind_a_committed_step_is_unresolved(postgres: Any) -> None:
    migrations = {**create_tables(2), "003_x": "select pg_terminate_backend(pg_backend_pid());"}
    plan = plan_for(postgres, migrations, transaction="step")
    with pytest.raises(Unresolved, match="step 3 of 3"):
        apply_plan(postgres, plan)
    assert [entry.version for entry in postgres.store.read_ledger().entries] == ["001", "002"]


def test_two_statements_in_one_text_are_refused_by_the_server(postgres: Any) -> None:
    plan = plan_for(postgres, create_tables(1))
    (step,) = plan.steps
    coarse = step.statements[0].model_copy(update={"sql": "create table a (); create table b ()"})
    changed = plan.model_copy(
        update={"steps": (step.model_copy(update={"statements": (coarse,)}),)}
    )
    with pytest.raises(StatementFailed, match="cannot insert multiple commands"):
        apply_plan(postgres, changed)
    assert by_hand(postgres).query_one("select to_regclass('a')") == (None,)


def test_notices_and_warnings_do_no_harm(postgres: Any) -> None:
    notice = "do $$ begin for i in 1..500 loop raise warning 'no. %', i; end loop; end $$;"
    sql = f"create table if not exists t ();\ncreate table if not exists t ();\n{notice}\n{notice}"
    apply_up(postgres, {"001_t": sql, "002_u": f"{OUTSIDE}\n{notice}\ndrop table if exists u;"})
    assert len(postgres.store.read_ledger().entries) == 2


def test_each_statement_is_told_with_its_rows(postgres: Any) -> None:
    sql = "create table t (id int);\ninsert into t select generate_series(1, 7);\nselect * from t;"
    emit = Recorder()
    apply_up(postgres, {"001_t": sql}, emit=emit)
    assert [(event.place, event.rows) for event in emit.of(StatementFinished)] == [
        (1, 0), (2, 7), (3, 7),
    ]  # fmt: skip


def test_the_history_can_have_any_name_in_any_schema(
    postgres_server: PostgresServer, postgres_database: str, bystander: psycopg.Connection[Any]
) -> None:
    names = {"table": 'My "history" {x} \'', "schema": "Über $1"}
    migrations = {**create_tables(2), "003_i": f"{OUTSIDE}\ncreate index on t1 (id);"}
    with open_test_engine(postgres_server, postgres_database, history=names) as engine:
        apply_up(engine, migrations)
        assert len(engine.store.read_ledger().entries) == 3
        assert engine.store.runs.read_runs(1)[0].status == "COMMITTED"
    found = bystander.execute("select tablename from pg_tables where schemaname = 'Über $1'")
    assert {name for (name,) in found} == {
        names["table"], "lockgate_journal", "lockgate_plans", "lockgate_runs", "lockgate_target",
    }  # fmt: skip


def test_two_history_tables_of_a_database_have_two_locks(
    postgres: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    other = {"table": "other_history"}
    with (
        open_test_engine(postgres_server, postgres_database, history=other) as second,
        postgres.lock.hold(0, Recorder()),
        second.lock.hold(0, Recorder()),
    ):
        postgres.lock.prove()


def test_the_servers_clock_is_told_in_utc_whatever_its_zone(
    postgres_server: PostgresServer, postgres_database: str, bystander: psycopg.Connection[Any]
) -> None:
    bystander.execute(f"alter database {postgres_database} set timezone = 'Asia/Tokyo'")
    with open_test_engine(postgres_server, postgres_database) as engine:
        assert engine.server.now.tzinfo is UTC
        plan = plan_for(engine, create_tables(1), max_age=timedelta(hours=1))
        assert plan.created_at.utcoffset() == timedelta(0)
        apply_plan(engine, plan)
        entry = engine.store.read_ledger().entries[0]
        assert abs(entry.applied_at - plan.created_at) < timedelta(seconds=30)


def test_a_role_that_the_connection_takes_on_owns_what_is_made(
    postgres: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    owner, login = f"o{postgres_database[-8:]}", f"l{postgres_database[-8:]}"
    by_hand(postgres).execute(f"create role {owner}")
    by_hand(postgres).execute(f"create role {login} login in role {owner}")
    by_hand(postgres).execute(f"alter role {login} set role = {owner}")
    by_hand(postgres).execute(f"grant create on schema public to {owner}")
    with open_test_engine(postgres_server, postgres_database, user=login) as engine:
        outside = f"{OUTSIDE}\ncreate table u (id int);\ncreate index on u (id);"
        apply_up(engine, {**create_tables(2), "003_u": outside})
    owners = by_hand(postgres).query_all(
        "select distinct tableowner from pg_tables where tablename ~ '^.$'"
    )
    assert owners == [(owner,)]
    for sql in (f"drop owned by {owner}", f"drop role {login}", f"drop role {owner}"):
        by_hand(postgres).execute(sql)


def test_a_session_that_nothing_could_touch_is_reset_once(
    postgres: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    mark = postgres_server.log_mark()
    apply_up(postgres, create_tables(MANY + 1))
    assert len(statements_of(postgres_server, mark, postgres_database, "reset all")) == 1
    mark = postgres_server.log_mark()
    applied, later = create_tables(MANY + 1), create_tables(MANY, first=MANY + 2)
    last = {"201_set": "set work_mem = '9MB';", "202_last": CLEAN}
    apply_up(postgres, {**applied, **later, **last})
    assert len(statements_of(postgres_server, mark, postgres_database, "reset all")) == 2


CLEAN = "do $$ begin assert current_setting('work_mem') <> '9MB'; end $$;"


def test_what_an_event_trigger_leaves_is_reset_before_the_next_step(
    postgres: Any, bystander: psycopg.Connection[Any]
) -> None:
    bystander.execute(
        "create function note() returns event_trigger language plpgsql as "
        "$$ begin perform set_config('work_mem', '9MB', false); end $$"
    )
    bystander.execute("create event trigger note on ddl_command_end execute function note()")
    apply_up(postgres, {**create_tables(MANY), "101_last": CLEAN})


def test_a_plan_that_adds_an_enum_value_and_uses_it_is_cut_between_the_two(postgres: Any) -> None:
    apply_up(postgres, {"001_m": "create type mood as enum ('a');\ncreate table t (m mood);"})
    added, used = "alter type mood add value 'b';", "insert into t values ('b');"
    emit = Recorder()
    migrations = {
        "001_m": "create type mood as enum ('a');\ncreate table t (m mood);",
        "002_add": added, "003_use": used, "004_more": f"{used}\nalter table t add n int;",
    }  # fmt: skip
    apply_up(postgres, migrations, emit=emit)
    assert [(e.first, e.last) for e in emit.of(UnitCommitted)] == [(1, 1), (2, 3)]


def test_a_new_type_may_have_values_added_and_used_at_once(postgres: Any) -> None:
    emit = Recorder()
    made = "create type mood as enum ('a');\nalter type mood add value 'b';"
    migrations = {"001_m": made, "002_use": "create table t as select 'b'::mood as m;"}
    apply_up(postgres, migrations, emit=emit)
    is_cut = postgres.server.dialect.version < 170000
    expected = [(1, 1), (2, 2)] if is_cut else [(1, 2)]
    assert [(e.first, e.last) for e in emit.of(UnitCommitted)] == expected
