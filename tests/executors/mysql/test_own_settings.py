"""Settings that a server gives to all sessions: lockgate's own questions are asked without them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockgate.planner.errors import StatementFailed
from tests.executors.building import Recorder, apply_up, open_test_engine

BEFORE = {
    "001_old": "create table old (id int primary key, a int, b int, c int, d int);\n"
    "insert into old values (1, 1, 1, 1, 1);",
    "002_more": "create table m1 (id int);\ncreate table m2 (id int);\ncreate table m3 (id int);\n"
    "create table m4 (id int);\ncreate table m5 (id int);",
}
TOUCH = "alter table old add x int;\nalter table old comment 'x';\n"
SETTINGS = {
    "sql_mode": ("'ANSI_QUOTES'", "'ANSI'", "'NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'"),
    "sql_quote_show_create": ("0",),
    "autocommit": ("0",),
    "completion_type": ("1", "2"),
    "sql_select_limit": ("3",),
}


@contextmanager
def given_to_all(server: Any, name: str, value: str) -> Iterator[None]:
    """The block on a server that gives every new session a setting."""
    connection = server.connect(None)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"select @@global.{name}")
            (before,) = cursor.fetchone()
            cursor.execute(f"set global {name} = {value}")
            try:
                yield
            finally:
                cursor.execute(f"set global {name} = %s", (before,))
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in SETTINGS.items() for value in values]
)
def test_a_setting_of_the_server_neither_stops_a_run_nor_its_undoing(
    family_server: Any, family_database: str, name: str, value: str
) -> None:
    with given_to_all(family_server, name, value):
        with open_test_engine(family_server, family_database) as engine:
            apply_up(engine, BEFORE)
            before = engine.survey.read_catalogue()
            with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
                apply_up(engine, BEFORE | {"003_fail": f"{TOUCH}create table old (id int);"})
            assert engine.survey.read_catalogue() == before
            assert engine.session.query_all("select * from old") == [(1, 1, 1, 1, 1)]
            apply_up(engine, BEFORE | {"003_touch": TOUCH})
            with (
                open_test_engine(family_server, family_database) as other,
                engine.lock.hold(0, Recorder()),
            ):
                assert other.lock.holder() is not None
        with open_test_engine(family_server, family_database) as engine:
            assert len(engine.store.read_ledger().entries) == 3


def test_facts_and_runs_are_not_cut_off(family_server: Any, family_database: str) -> None:
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, BEFORE)
        facts = engine.survey.read_facts()
    with (
        given_to_all(family_server, "sql_select_limit", "3"),
        open_test_engine(family_server, family_database) as engine,
    ):
        assert engine.survey.read_facts() == facts
        assert len(facts.tables["old"].columns) == 5


def test_a_migration_has_the_servers_own_sql_mode(family_server: Any, family_database: str) -> None:
    with (
        given_to_all(family_server, "sql_mode", "'ANSI_QUOTES,STRICT_ALL_TABLES'"),
        open_test_engine(family_server, family_database) as engine,
    ):
        apply_up(engine, {"001_t": 'create table t as select @@sql_mode as "mode";'})
        assert engine.session.query_one("select mode from t") == ("ANSI_QUOTES,STRICT_ALL_TABLES",)


def test_what_the_server_runs_for_each_session_stops_no_clock(
    family_server: Any, family_database: str
) -> None:
    user = f"u{family_database[-8:]}"
    connection = family_server.connect(None)
    with connection.cursor() as cursor:
        cursor.execute(f"create user {user}@'%'")
        cursor.execute(f"grant all on `{family_database}`.* to {user}@'%'")
    script = "'set timestamp = 1000000000, autocommit = 0, sql_select_limit = 1'"
    try:
        with (
            given_to_all(family_server, "init_connect", script),
            open_test_engine(family_server, family_database, user=user) as engine,
        ):
            assert abs(engine.server.now - datetime.now(UTC)) < timedelta(hours=1)
            apply_up(engine, BEFORE)
            assert len(engine.store.read_ledger().entries) == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"drop user {user}@'%'")
        connection.close()
