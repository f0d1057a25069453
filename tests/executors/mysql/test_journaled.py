"""Migrations on MySQL and MariaDB: what is kept when one fails, and what SQL may hold."""

import re
from typing import Any

import pytest

from lockgate.executors.engine import open_engine
from lockgate.executors.events import StatementFinished
from lockgate.executors.mysql.connection import settings
from lockgate.planner.environments.environment import resolve_database
from lockgate.planner.environments.keys import Timeouts
from lockgate.planner.errors import (
    StatementFailed,
    Unreachable,
    Unresolved,
    UsageError,
    WrongTarget,
)
from lockgate.planner.reading.mysql.reader import read
from tests.executors.building import (
    OUTSIDE,
    Recorder,
    apply_plan,
    apply_up,
    environment_for,
    new_identity,
    open_test_engine,
    plan_for,
    rebind,
)
from tests.executors.rows import ask, execute

HALF = {
    "001_first": "create table first (id int);",
    "002_half": (
        f"{OUTSIDE}\n"
        "create table half (id int);\n"
        "insert into half values (1);\n"
        "alter table half add column n int;\n"
        "insert into half values (2, 2);\n"
        "insert into cause values (1);\n"
        "create table last (id int);"
    ),
}


def own_tables_aside(dump: str) -> list[str]:
    """A dump's parts without lockgate's own tables."""
    parts = re.split(r"^-- (?=TABLE)", dump, flags=re.MULTILINE)
    return [part for part in parts if not re.match("TABLE `(lockgate_|schema_mig)", part)]


def test_a_failure_in_the_middle_tells_exactly_what_is_kept(
    family_server: Any, family_database: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, HALF)
        with pytest.raises(Unresolved) as raised:
            apply_plan(engine, plan)
        text = str(raised.value)
        assert re.search(r"002_half.sql:6: Table '.*cause' doesn't exist \(1146\)", text)
        assert "Of its 6 statements these are done and kept: 1, 2, 3; not done: 4, 5, 6." in text
        assert engine.store.read_ledger().unresolved == (plan.digest,)
        assert [run.status for run in engine.store.runs.read_runs(9)] == ["STUCK"]
    assert ask(family_server, family_database, "select * from half") == [(1, None)]
    journal = "select step, statement, outcome from lockgate_journal"
    assert ask(family_server, family_database, journal) == [
        (2, 1, "done"), (2, 2, "done"), (2, 3, "done"),
    ]  # fmt: skip


def test_the_same_plan_goes_on_where_it_stopped(family_server: Any, family_database: str) -> None:
    recorder = Recorder()
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, HALF)
        with pytest.raises(Unresolved):
            apply_plan(engine, plan)
        execute(family_server, family_database, "create table cause (id int)")
        apply_plan(engine, plan, emit=recorder)
        assert [event.place for event in recorder.of(StatementFinished)] == [4, 5, 6]
        assert not engine.store.read_ledger().unresolved
        assert [entry.version for entry in engine.store.read_ledger().entries] == ["001", "002"]
        assert [run.status for run in engine.store.runs.read_runs(9)] == ["COMMITTED"]
    assert ask(family_server, family_database, "select * from lockgate_journal") == []
    assert ask(family_server, family_database, "select id from half") == [(1,), (2,)]


def test_other_plans_are_refused_while_one_is_half_done(
    family_server: Any, family_database: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        with pytest.raises(Unresolved):
            apply_plan(engine, plan_for(engine, HALF))
        with pytest.raises(Unresolved, match="stopped half-way"):
            apply_plan(engine, plan_for(engine, {**HALF, "003_other": "create table t (id int)"}))


def test_a_refused_statement_that_leaves_nothing_undoes_everything(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table t (id int primary key)")
    before = own_tables_aside(family_server.dump(family_database))
    sql = "insert into t values (1);\nupdate t set id = 2;\ninsert into t values (3), (3);"
    with open_test_engine(family_server, family_database) as engine:
        with pytest.raises(StatementFailed, match=r"001_rows.sql:4: Duplicate entry .*\(1062\)"):
            apply_up(engine, {"001_rows": sql})
        assert own_tables_aside(family_server.dump(family_database)) == before
        assert [run.status for run in engine.store.runs.read_runs(9)] == ["ROLLED_BACK"]
        assert engine.store.read_ledger().serial == 0


def test_trailing_rows_are_rolled_back_with_the_row_of_the_history(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table t (id int)")
    rows = "insert into t values (1);"
    own = "insert into schema_migrations values ('001', 'rows', repeat('0', 64), now());"
    with open_test_engine(family_server, family_database) as engine:
        engine.store.ensure_tables(new_identity(engine))
        with pytest.raises(StatementFailed, match="Duplicate entry '001'"):
            apply_plan(engine, plan_for(engine, {"001_rows": rows + own}))
        assert ask(family_server, family_database, "select * from t") == []
        apply_up(engine, {"001_rows": rows})
    assert ask(family_server, family_database, "select * from t") == [(1,)]


def test_an_error_in_a_later_result_of_a_call_is_noticed(
    family_server: Any, family_database: str
) -> None:
    body = "begin select 1; select 2, 3; insert into gone values (1); end"
    migrations = {
        "001_define": f"create procedure p() {body}",
        "002_call": f"{OUTSIDE}\ncall p();",
    }
    with open_test_engine(family_server, family_database) as engine:
        with pytest.raises(Unresolved, match=r"002_call.sql:2: .*gone' doesn't exist"):
            apply_up(engine, migrations)
        assert [entry.version for entry in engine.store.read_ledger().entries] == ["001"]


PROGRAMS = """\
create table t (id int primary key, note varchar(90)) character set utf8mb4;
create table log (id int);
create trigger g after insert on t for each row begin insert into log values (new.id); end;
create procedure p(in a int) begin if a > 0 then select 1; select 2; end if; end;
create function f(a int) returns int deterministic begin declare b int default 1; return a + b; end;
create event e on schedule every 1 day disable do begin delete from log; end;
call p(1);
"""


DELIMITED = """\
delimiter //
create procedure q()
begin
  select 1; -- it's a comment; with a semicolon
  select 'a//b';
end//
delimiter ;
insert into t values (1, '100 %, %s, %(a)s, %%'), (2, '🙂 \\'quoted\\' ; -- # /*');
insert into t values (3, x'F09F9982'), (f(3), _utf8mb4 0xF09F9982);
/*!50100 insert into t values (5, 'conditional') */;
insert into t values (/*!99999 nonsense */ 6, null);
"""


def test_programs_and_odd_texts_arrive_as_they_are(
    family_server: Any, family_database: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, {"001_programs": PROGRAMS, "002_delimited": DELIMITED})
    assert ask(family_server, family_database, "select * from t where id < 6") == [
        (1, "100 %, %s, %(a)s, %%"), (2, "🙂 'quoted' ; -- # /*"), (3, "🙂"), (4, "🙂"),
        (5, "conditional"),
    ]  # fmt: skip
    assert len(ask(family_server, family_database, "select * from log")) == 6
    [(_, _, body, *_)] = ask(family_server, family_database, "show create procedure q")
    assert "-- it's a comment; with a semicolon\n" in body


def test_a_body_in_dollars_is_one_statement(mysql_server: Any, mysql_url: str) -> None:
    database = mysql_url.rpartition("/")[2]
    sql = "create table d (t text);\ninsert into d values ($$it's; $ 1$$);\nselect 1;"
    with open_test_engine(mysql_server, database) as engine:
        plan = plan_for(engine, {"001_dollars": sql})
        assert len(plan.steps[0].statements) == 3
        with pytest.raises(StatementFailed, match="1064"):  # only routines in JavaScript take it
            apply_plan(engine, plan)


def test_two_statements_in_one_text_are_refused(family_server: Any, family_database: str) -> None:
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, {"001_two": "create table a (id int)"})
        (step,) = plan.steps
        (statement,) = step.statements
        double = statement.model_copy(
            update={"sql": "create table a (id int); create table b (id int)"}
        )
        forged = plan.model_copy(
            update={"steps": (step.model_copy(update={"statements": (double,)}),)}
        )
        with pytest.raises(StatementFailed, match="1064"):
            apply_plan(engine, forged)
    assert ask(family_server, family_database, "show tables like '_'") == []


def test_nothing_is_read_again_under_the_lock(family_server: Any, family_database: str) -> None:
    long = f"insert into t values {', '.join(f'({number})' for number in range(5000))}"
    files = {"001_a": f"create table t (id int);\n{long};\nalter table t add b int"}
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, files)
        before = read.cache_info().misses
        apply_plan(engine, plan)
    assert read.cache_info().misses == before


def test_a_statement_of_5_megabytes_runs(family_server: Any, family_database: str) -> None:
    text = "it is %s long; " * 350_000
    with open_test_engine(family_server, family_database) as engine:
        apply_up(
            engine, {"001_big": f"create table b (t longtext); insert into b values ('{text}')"}
        )
    assert ask(family_server, family_database, "select length(t) from b") == [(len(text),)]


def test_a_statement_above_the_servers_limit_is_refused_before_anything_runs(
    family_server: Any, family_database: str
) -> None:
    [(_, limit)] = ask(family_server, None, "show global variables like 'max_allowed_packet'")
    execute(family_server, None, "set global max_allowed_packet = 1048576")
    try:
        with open_test_engine(family_server, family_database) as engine:
            sql = f"create table b (t longtext);\ninsert into b values ('{'x' * 1_100_000}');"
            with pytest.raises(UsageError, match=r"001_big.sql:3: .*at most 1048576") as raised:
                apply_up(engine, {"001_big": sql})
            assert "max_allowed_packet" in raised.value.do
    finally:
        execute(family_server, None, f"set global max_allowed_packet = {limit}")
    assert ask(family_server, family_database, "show tables") == []


def test_the_other_engine_is_told_what_to_write(mysql_server: Any, mariadb_server: Any) -> None:
    for server, other in ((mysql_server, "mariadb"), (mariadb_server, "mysql")):
        url = server.url("mysql").replace(f"{server.engine}://", f"{other}://")
        address = {"database": {"url": url}, "engine": other}
        with (
            pytest.raises(UsageError, match=f"engine: {server.engine}"),
            open_test_engine(server, "mysql", **address),
        ):
            pass


def test_a_server_that_is_read_only_is_the_wrong_target(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, None, "set global read_only = 1")
    try:
        with (
            open_test_engine(family_server, family_database) as engine,
            pytest.raises(WrongTarget, match="read-only"),
        ):
            apply_up(engine, {"001_t": "create table t (id int)"})
    finally:
        execute(family_server, None, "set global read_only = 0")
    assert ask(family_server, family_database, "show tables") == []


def test_a_copy_under_another_name_is_refused_until_rebind(
    family_server: Any, family_database: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, {"001_t": "create table t (id int)"})
    copy = family_server.new_database()
    for (table,) in ask(family_server, family_database, "show tables"):
        execute(
            family_server,
            copy,
            f"create table {table} like {family_database}.{table}",
            f"insert into {table} select * from {family_database}.{table}",
        )
    more = {"001_t": "create table t (id int)", "002_u": "create table u (id int)"}
    with open_test_engine(family_server, copy) as engine:
        with pytest.raises(WrongTarget, match="is a copy"):
            apply_up(engine, more)
        rebind(engine)
        assert apply_up(engine, more).outcome == "applied"
    family_server.drop_database(copy)


@pytest.mark.parametrize("password", ["plantedSecret", "plänted€Secret🙂"])
def test_no_error_shows_the_password(family_server: Any, password: str) -> None:
    address = {"host": family_server.host, "port": family_server.port, "user": "nobody_here"}
    server = {**address, "name": "mysql", "password_env": "SECRET"}
    environment = environment_for(family_server, "mysql", database=server)
    with pytest.raises(Unreachable) as raised:
        open_engine(resolve_database(environment, {"SECRET": password}), environment)
    assert "Access denied" in str(raised.value)
    assert "Secret" not in str(raised.value) + repr(raised.value)
    assert raised.value.__cause__ is None


def test_limits_are_whole_numbers_where_they_must_be() -> None:
    day = Timeouts(lock=0.5, statement=1_234_567.0)
    assert settings(day, ("max_execution_time", 1000)).endswith("= 1234567000")
    assert "lock_wait_timeout = 1," in settings(day, ("max_statement_time", 1))
    assert settings(day, ("max_statement_time", 1)).endswith("= 1234567.000")
