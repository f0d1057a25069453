"""The session that runs the SQL: what a section sets in it, its limits, its rights."""

import signal
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymysql.connections import Connection
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_NO_BACKSLASH_ESCAPES

from lockgate.executors.events import LockAwaited
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.tables import ALWAYS_MADE
from lockgate.executors.mysql.catalogue.information_schema import under_mode
from lockgate.executors.mysql.facts import _fresh_estimates
from lockgate.executors.mysql.proof import LightConnection
from lockgate.planner.errors import (
    ConfigurationError,
    Interrupted,
    Locked,
    StatementFailed,
    Unreachable,
    Unresolved,
    UsageError,
)
from tests.commands.blocking import held_table
from tests.executors.building import (
    OUTSIDE,
    Recorder,
    apply_plan,
    apply_up,
    new_identity,
    open_test_engine,
    plan_for,
)
from tests.executors.rows import ask, execute, wait_until_gone

# What a section does, and a query that finds nothing of it in the next one.
LEFTOVERS = {
    "sql_mode of dates": (
        "set sql_mode = 'ALLOW_INVALID_DATES'",
        "select @@sql_mode = @@global.sql_mode",
    ),
    "use": ("use mysql", "select database() = '{database}'"),
    "autocommit": ("set autocommit = 0", "select @@autocommit"),
    "variable": ("set @left = 1", "select @left is null"),
    "variable by select": ("select 1 into @left", "select @left is null"),
    "variable by create": ("create table made as select @left := 1 as a", "select @left is null"),
    "temporary table": ("create temporary table left_over (id int)", "select not {temporary}"),
    "names": ("set names latin1", "select @@character_set_client = 'utf8mb4'"),
    "time zone": ("set time_zone = '+05:00'", "select @@time_zone = '+00:00'"),
    "foreign keys": ("set foreign_key_checks = 0", "select @@foreign_key_checks"),
    "safe updates": ("set sql_safe_updates = 1", "select not @@sql_safe_updates"),
    "lock wait": ("set lock_wait_timeout = 99", "select @@lock_wait_timeout = 5"),
    "isolation": (
        "set session transaction isolation level serializable",
        "select {isolation} = 'REPEATABLE-READ'",
    ),
    "user lock": ("do get_lock('left_{database}', 0)", "select is_free_lock('left_{database}')"),
    "comment": (
        "create /* x */ temporary table left_over (id int)",
        "select not {temporary}",
    ),
}


@pytest.fixture
def user(family_server: Any, family_database: str) -> Iterator[str]:
    """A user with all rights on the database, and none on the server."""
    name = f"u_{family_database}"
    execute(
        family_server,
        None,
        f"create user '{name}'@'%' identified by ''",
        f"grant all on `{family_database}`.* to '{name}'@'%'",
    )
    yield name
    execute(family_server, None, f"drop user '{name}'@'%'")


def url_of(server: Any, database: str, user: str) -> dict[str, Any]:
    """The settings of an environment that connects as this user."""
    url = f"{server.engine}://{user}@{server.host}:{server.port}/{database}"
    return {"database": {"url": url}}


@pytest.mark.parametrize(
    "blockers", [{"cancel": "autovacuum"}, {"terminate_idle_in_transaction": "30s"}]
)
def test_an_environment_that_would_end_sessions_is_refused(
    family_server: Any, family_database: str, blockers: dict[str, str]
) -> None:
    with (
        pytest.raises(ConfigurationError, match="`blockers` is there for PostgreSQL alone"),
        open_test_engine(family_server, family_database, blockers=blockers),
    ):
        pass


@pytest.mark.parametrize("name", LEFTOVERS)
def test_what_a_section_leaves_in_the_session_is_gone_in_the_next(
    family_server: Any, family_database: str, name: str
) -> None:
    leaving, check = LEFTOVERS[name]
    temporary = (
        "exists (select 1 from information_schema.innodb_temp_table_info)"
        if family_server.engine == "mysql"
        else "exists (select 1 from information_schema.tables where table_schema = database() "
        "and table_type = 'TEMPORARY')"
    )
    clean = check.format(
        database=family_database,
        temporary=temporary,
        isolation="@@tx_isolation"
        if family_server.engine == "mariadb"
        else "@@transaction_isolation",
    )
    migrations = {
        "001_leave": leaving.format(database=family_database),
        "002_check": f"set @clean = ({clean});\ncreate table verdict as select @clean as clean",
    }
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, migrations)
        assert len(engine.store.read_ledger().entries) == 2
    assert ask(family_server, family_database, "select clean from verdict") == [(1,)]


@pytest.mark.parametrize(
    "setting",
    [
        "use mysql",
        "set time_zone = '+09:00'",
        "set names latin1",
        "set sql_safe_updates = 1",
        "set sql_select_limit = 0",
        "set autocommit = 0",
        "set session transaction isolation level serializable",
        "set foreign_key_checks = 0, unique_checks = 0",
    ],
)
def test_the_history_is_written_the_same_whatever_a_section_sets(
    family_server: Any, family_database: str, setting: str
) -> None:
    migrations = {"001_größe": f"{setting};\ncreate table {family_database}.t (id int);\n{setting}"}
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, migrations)
    with open_test_engine(family_server, family_database) as engine:
        (entry,) = engine.store.read_ledger().entries
        assert entry.name == "größe"
        assert abs(datetime.now(UTC) - entry.applied_at) < timedelta(minutes=10)
    assert ask(family_server, family_database, "select * from lockgate_journal") == []


@pytest.mark.parametrize(
    "value",
    ["1.5", "1e300", "date '2026-11-29'", "time '10:00:00'", "b'1'", "x'ff'", "year(now())",
     "18446744073709551615", "json_object('a', 1)", "point(1, 2)", "null", "timestamp(now())"],
)  # fmt: skip
def test_values_of_every_type_are_read_over(
    family_server: Any, family_database: str, value: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, {"001_read": f"select {value};", "002_after": "create table t (a int);"})
        assert len(engine.store.read_ledger().entries) == 2


def test_text_in_another_character_set_is_no_trouble(
    family_server: Any, family_database: str
) -> None:
    sql = "create table t (a varchar(9) character set latin1);\ninsert into t values ('ä');\n"
    sql += (
        "set names latin1;\nselect a from t;\nset character_set_results = null;\nselect a from t;"
    )
    with open_test_engine(family_server, family_database) as engine:
        assert apply_up(engine, {"001_latin": sql}).outcome == "applied"


def test_a_step_that_goes_on_has_its_settings_again(
    family_server: Any, family_database: str
) -> None:
    sql = (
        f"{OUTSIDE}\n"
        "set @n = 7;\nuse {0};\ncreate table t (id int);\n"
        "insert into gone values (@n);\ninsert into t values (@n);"
    )
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, {"001_set": sql.format(family_database)})
        with pytest.raises(Unresolved, match="done and kept: 1, 2, 3;"):
            apply_plan(engine, plan)
    execute(family_server, family_database, "create table gone (id int)")
    with open_test_engine(family_server, family_database) as engine:
        apply_plan(engine, plan)
    assert ask(family_server, family_database, "select * from t") == [(7,)]


@pytest.mark.parametrize(
    "sql",
    ["create temporary table x (id int)", "set @n = (select 1)", "prepare s from 'do 1'",
     "select 1 into @n"],
)  # fmt: skip
def test_a_step_does_not_go_on_without_what_its_session_had(
    family_server: Any, family_database: str, sql: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        text = f"{OUTSIDE}\n{sql};\ncreate table t (id int);\ninsert into gone values (1)"
        plan = plan_for(engine, {"001_set": text})
        with pytest.raises(Unresolved, match="done and kept: 1, 2;"):
            apply_plan(engine, plan)
        execute(family_server, family_database, "create table gone (id int)")
        with pytest.raises(Unresolved, match="what statement 1 has left in its session"):
            apply_plan(engine, plan)
    assert ask(family_server, family_database, "select * from gone") == []


def test_the_global_sql_mode_rules_how_a_plan_is_split(
    family_server: Any, family_database: str
) -> None:
    [(_, before)] = ask(family_server, None, "show global variables like 'sql_mode'")
    modes = f"{before},ANSI_QUOTES,NO_BACKSLASH_ESCAPES".strip(",")
    execute(family_server, None, f"set global sql_mode = '{modes}'")
    sql = "create table \"a;b\" (t text);\ninsert into \"a;b\" values ('c:\\'), ('it''s;\\\\');"
    try:
        with open_test_engine(family_server, family_database) as engine:
            plan = plan_for(engine, {"001_mode": sql})
            assert len(plan.steps[0].statements) == 2
            apply_plan(engine, plan)
            assert engine.store.runs.read_runs(1)[0].status == "COMMITTED"
        texts = ask(family_server, family_database, 'select * from "a;b"')
        assert texts == [("c:\\",), ("it's;\\\\",)]
    finally:
        execute(family_server, None, f"set global sql_mode = '{before}'")


def test_waiting_for_a_table_ends_by_the_environments_timeout(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table held (id int)")
    timeouts = {"timeouts": {"lock": "1s"}, "retries": {"lock": 0}}
    with (
        held_table(family_server, family_database, "held"),
        open_test_engine(family_server, family_database, **timeouts) as engine,
        pytest.raises(StatementFailed, match=r"001_alter.sql:2: Lock wait timeout .*\(1205\)"),
    ):
        apply_up(engine, {"001_alter": "alter table held add column n int"})


def test_waiting_for_a_row_ends_by_the_environments_timeout(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table t (id int)", "insert into t values (1)")
    with (
        family_server.connect(family_database) as holder,
        open_test_engine(
            family_server, family_database, timeouts={"lock": "1s"}, retries={"lock": 0}
        ) as engine,
    ):
        holder.query("begin")
        holder.query("update t set id = 2")
        with pytest.raises(StatementFailed, match="1205"):
            apply_up(engine, {"001_update": "update t set id = 3"})


def test_a_statement_ends_by_the_environments_limit(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table t (id int)", "insert into t values (1)")
    slow = "select sleep(30) from t" if family_server.engine == "mariadb" else (
        "select count(*) from information_schema.columns a, information_schema.columns b, "
        "information_schema.columns c"
    )  # fmt: skip
    with (
        open_test_engine(family_server, family_database, timeouts={"statement": "1s"}) as engine,
        pytest.raises(StatementFailed, match=r"\((3024|1969)\)"),
    ):
        apply_up(engine, {"001_slow": slow})


def test_a_user_without_rights_on_the_server_can_migrate_and_wait(
    family_server: Any, family_database: str, user: str
) -> None:
    as_user = url_of(family_server, family_database, user)
    recorder = Recorder()
    migrations = {"001_t": "create table t (id int)", "002_r": "insert into t values (1)"}
    with open_test_engine(family_server, family_database, **as_user) as engine:
        apply_up(engine, migrations)
        with (
            open_test_engine(family_server, family_database) as other,
            other.lock.hold(0, Recorder()),
            pytest.raises(Locked, match="another user"),
        ):
            apply_plan(engine, plan_for(engine, migrations), wait=0.1, emit=recorder)
        assert recorder.of(LockAwaited)[0].holder.user == "another user"
        with engine.lock.hold(0, Recorder()):
            engine.lock.renew()
            engine.lock.end_session()
            engine.lock.prove()
    wait_until_gone(family_server, family_database)


def test_a_user_who_may_only_read_can_plan(
    family_server: Any, family_database: str, user: str
) -> None:
    execute(
        family_server,
        None,
        f"revoke all on `{family_database}`.* from '{user}'@'%'",
        f"grant select on `{family_database}`.* to '{user}'@'%'",
    )
    with open_test_engine(family_server, family_database) as engine:
        engine.store.ensure_tables(new_identity(engine))
    as_user = url_of(family_server, family_database, user)
    with open_test_engine(family_server, family_database, **as_user) as engine:
        assert len(plan_for(engine, {"001_t": "create table t (id int)"}).steps) == 1


def test_a_user_who_may_not_create_anything_can_migrate_rows(
    family_server: Any, family_database: str, user: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        engine.store.ensure_tables(new_identity(engine))
    tables = ("schema_migrations", *ALWAYS_MADE, "t")
    execute(
        family_server,
        family_database,
        "create table t (id int)",
        f"revoke all on `{family_database}`.* from '{user}'@'%'",
        *(f"grant select, insert, update, delete on {table} to '{user}'@'%'" for table in tables),
    )
    as_user = url_of(family_server, family_database, user)
    with open_test_engine(family_server, family_database, **as_user) as engine:
        assert apply_up(engine, {"001_row": "insert into t values (1)"}).outcome == "applied"
    assert ask(family_server, family_database, "select * from t") == [(1,)]


def test_a_reading_that_fails_leaves_no_transaction_open(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table t (id int)")
    with open_test_engine(family_server, family_database) as engine:
        with pytest.raises(ServerError, match="1146"):
            engine.session.read_together(["select * from t", "select * from missing"])
        execute(family_server, family_database, "insert into t values (1)")
        assert engine.session.query_all("select * from t") == [(1,)]


def test_a_database_with_a_percent_sign_is_refused_unless_the_tables_lie_elsewhere(
    family_server: Any, family_database: str
) -> None:
    name = f"{family_database}%d"
    execute(family_server, None, f"create database `{name}`")
    settings = url_of(family_server, name.replace("%", "%25"), "root")
    try:
        with (
            pytest.raises(UsageError, match="holds a %") as raised,
            open_test_engine(family_server, name, **settings),
        ):
            pass
        assert "Rename" in raised.value.do
        elsewhere = {"history": {"schema": family_database}}
        with open_test_engine(family_server, name, **settings, **elsewhere) as engine:
            assert apply_up(engine, {"001_t": "create table t (id int)"}).outcome == "applied"
        assert ask(family_server, name, "show tables") == [("t",)]
    finally:
        execute(family_server, None, f"drop database `{name}`")


def test_a_step_goes_on_behind_a_global_setting(family_server: Any, family_database: str) -> None:
    sql = f"{OUTSIDE}\nset @@global.max_connect_errors = 100;\ninsert into gone values (1)"
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, {"001_set": sql})
        with pytest.raises(Unresolved, match="done and kept: 1;"):
            apply_plan(engine, plan)
        execute(family_server, family_database, "create table gone (id int)")
        assert apply_plan(engine, plan).outcome == "applied"


def test_a_prepared_statement_is_gone_in_the_next_section(
    family_server: Any, family_database: str
) -> None:
    migrations = {"001_prepare": "prepare left_over from 'do 1'", "002_use": "execute left_over"}
    with (
        open_test_engine(family_server, family_database) as engine,
        pytest.raises(Unresolved, match="1243"),
    ):
        apply_up(engine, migrations)


def test_a_role_is_gone_in_the_next_section(
    family_server: Any, family_database: str, user: str
) -> None:
    role = f"r_{family_database}"
    host = "" if family_server.engine == "mariadb" else "@'%'"
    execute(family_server, None, f"create role '{role}'", f"grant '{role}' to '{user}'@'%'")
    clean = "set @clean = (coalesce(current_role(), 'NONE') = 'NONE')"
    migrations = {
        "001_role": f"set role '{role}'{host}",
        "002_check": f"{clean};\ncreate table verdict as select @clean as clean",
    }
    try:
        as_user = url_of(family_server, family_database, user)
        with open_test_engine(family_server, family_database, **as_user) as engine:
            apply_up(engine, migrations)
        assert ask(family_server, family_database, "select clean from verdict") == [(1,)]
    finally:
        execute(family_server, None, f"drop role '{role}'")


@pytest.mark.parametrize("sql", ["flush tables with read lock", "flush tables t for export"])
def test_a_section_that_locks_lockgate_out_is_told_of(
    family_server: Any, family_database: str, sql: str
) -> None:
    execute(family_server, family_database, "create table t (id int)")
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, {"001_flush": f"{sql};\ncreate table after_it (id int)"})
        with pytest.raises((Unresolved, StatementFailed)):
            apply_plan(engine, plan)
    execute(family_server, family_database, "insert into t values (1)")
    assert ask(family_server, family_database, "show tables like 'after_it'") == []


def test_certificates_are_read_only_to_verify_by_them() -> None:
    """The machine's are many: reading them took 30 ms of each command."""
    usual: Any = LightConnection(defer_connect=True)
    assert usual.ctx.cert_store_stats()["x509"] == 0
    assert usual.ctx.verify_mode == ssl.CERT_NONE
    verifying: Any = LightConnection(defer_connect=True, ssl_verify_cert=True)
    assert verifying.ctx.verify_mode == ssl.CERT_REQUIRED


def test_a_text_is_escaped_as_the_driver_does_it() -> None:
    text = "".join(map(chr, range(300))) + "\\n\\'\0\x1a\"'\U0001f600"
    connection: Any = LightConnection(defer_connect=True)
    for status in (0, SERVER_STATUS_NO_BACKSLASH_ESCAPES):
        connection.server_status = status
        assert connection.escape(text) == Connection.escape(connection, text)


def test_no_session_stays_open_wherever_the_server_refuses_to_set_it_up(
    family_server: Any, family_database: str
) -> None:
    refusals = []
    for limit in range(1, 10):
        user = f"u{limit}{family_database[-8:]}"
        grants = f"create user {user} with max_queries_per_hour {limit}"
        execute(family_server, None, grants, f"grant all on {family_database}.* to {user}")
        with (
            pytest.raises((ServerError, Unreachable), match="has exceeded") as raised,
            open_test_engine(family_server, family_database, user=user) as engine,
            engine.lock.hold(0, Recorder()),
        ):
            engine.session.query_one("do sleep(0)")
        refusals.append(raised)  # a session that it holds is closed no sooner than it goes
        wait_until_gone(family_server, family_database)
        execute(family_server, None, f"drop user {user}")


def stop(session: Any) -> None:
    """As a signal ends what runs."""
    session.work.close()
    raise Interrupted(signal.SIGINT)


@pytest.mark.parametrize("block", [lambda session: under_mode(session, ""), _fresh_estimates])
def test_a_signal_is_not_taken_for_a_lost_connection_where_settings_are_put_back(
    family_server: Any, family_database: str, block: Any
) -> None:
    with (
        open_test_engine(family_server, family_database) as engine,
        pytest.raises(Interrupted),
        block(engine.session),
    ):
        stop(engine.session)
