"""PostgreSQL: what a section sets in the session, no later section finds; and the limits."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lockgate.executors.postgresql.connection import read_options
from lockgate.planner.errors import Locked, StatementFailed, UsageError
from tests.commands.running import Project, refused, succeed
from tests.executors.building import (
    OUTSIDE,
    UP,
    apply_plan,
    apply_up,
    by_hand,
    failure_of,
    open_test_engine,
    plan_for,
)
from tests.executors.watching import held_by_others
from tests.servers.postgres import PostgresServer

Bystander = psycopg.Connection[Any]
LIMITS = {"timeouts": {"lock": 7.0, "statement": 90.0}}

# What a section does, and what the next one then asks, with the answer that it must get.
LEAKS = {
    "setting": ("set work_mem = '77MB'", "current_setting('work_mem') <> '77MB'"),
    "own setting": ("set shop.tenant = '7'", "coalesce(current_setting('shop.tenant', true), "
                    "'') = ''"),
    "local setting": ("set local work_mem = '77MB'", "current_setting('work_mem') <> '77MB'"),
    "search_path": ("set search_path = nowhere", "current_schema() = 'public'"),
    "set_config": ("select set_config('search_path', '', false)", "current_schema() = 'public'"),
    "statement_timeout": ("set statement_timeout = '1h'",
                          "current_setting('statement_timeout') = '90s'"),
    "lock_timeout": ("set lock_timeout = 0", "current_setting('lock_timeout') = '7s'"),
    "timezone": ("set timezone = 'Asia/Tokyo'", "current_setting('timezone') = 'UTC'"),
    "read only": ("set default_transaction_read_only = on",
                  "current_setting('default_transaction_read_only') = 'off'"),
    "isolation": ("set session characteristics as transaction isolation level serializable",
                  "current_setting('default_transaction_isolation') = 'read committed'"),
    "replica": ("set session_replication_role = replica",
                "current_setting('session_replication_role') = 'origin'"),
    "name": ("set application_name = 'psql'",
             "current_setting('application_name') = 'lockgate test'"),
    "role": ("set role pg_monitor", "current_user = 'postgres'"),
    "authorization": ("set session authorization pg_monitor", "session_user = 'postgres'"),
    "both": ("set session authorization pg_database_owner;\nset role none",
             "session_user = 'postgres' and current_user = 'postgres'"),
    "temp table": ("create temp table hidden ()", "to_regclass('hidden') is null"),
    "prepared": ("prepare hidden as select 1", "not exists (select from pg_prepared_statements)"),
    "cursor": ("declare hidden cursor with hold for select 1",
               "not exists (select from pg_cursors where name = 'hidden')"),
    "listen": ("listen hidden", "not exists (select pg_listening_channels())"),
    "advisory": ("select pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock(-7, 8), "
                 "pg_advisory_lock_shared(-5), pg_advisory_lock_shared(3, -4)",
                 "(select count(*) from pg_locks where locktype = 'advisory' "
                 "and pid = pg_backend_pid()) = 1"),
}  # fmt: skip


@pytest.fixture
def limited(postgres_server: PostgresServer, postgres_database: str) -> Iterator[Any]:
    """A session with limits."""
    with open_test_engine(postgres_server, postgres_database, **LIMITS) as engine:
        yield engine


def with_options(server: PostgresServer, database: str, options: str) -> dict[str, str]:
    url = server.url(database)
    return {"url": f"{url}{'&' if '?' in url else '?'}{options}"}


def check(condition: str) -> str:
    return f"do $$ begin assert {condition}; end $$;"


def acts_and_checks(marker: str) -> dict[str, str]:
    """A section for each act, each followed by one that asks; the files' names tell which."""
    migrations = {}
    for number, (kind, (act, condition)) in enumerate(LEAKS.items()):
        name = kind.replace(" ", "_")
        migrations[f"{2 * number + 1:03}_{name}"] = f"{marker}\n{act};"
        migrations[f"{2 * number + 2:03}_after_{name}"] = f"{marker}\n{check(condition)}"
    return migrations


@pytest.mark.parametrize("transaction", ["plan", "step"])
def test_nothing_leaks_from_a_transactional_section(limited: Any, transaction: str) -> None:
    report = apply_up(limited, acts_and_checks(UP), transaction=transaction)
    assert len(report.steps) == 2 * len(LEAKS)


def test_nothing_leaks_from_a_section_outside_of_a_transaction(limited: Any) -> None:
    report = apply_up(limited, acts_and_checks(OUTSIDE))
    assert len(report.steps) == 2 * len(LEAKS)


def test_nothing_leaks_from_a_section_into_one_of_the_other_kind(limited: Any) -> None:
    inside, outside = acts_and_checks(UP), acts_and_checks(OUTSIDE)
    for place, (name, sql) in enumerate(outside.items()):
        if place % 4 in (0, 3):
            inside[name] = sql
    apply_up(limited, inside)


def test_an_advisory_lock_taken_in_a_function_is_free_after_the_unit(
    limited: Any, bystander: Bystander
) -> None:
    body = "begin perform pg_advisory_lock(42); perform pg_advisory_lock(42); end"
    bystander.execute(f"create function hide() returns void language plpgsql as '{body}'")
    condition = LEAKS["advisory"][1]
    sections = {"001_act": "select hide();", "002_check": check(condition)}
    apply_up(limited, sections, transaction="step")
    assert held_by_others(bystander) == 0


def test_a_migration_lock_given_away_in_a_section_commits_nothing(
    limited: Any, bystander: Bystander
) -> None:
    plan = plan_for(limited, {"001_act": "create table a ();\nselect pg_advisory_unlock_all();"})
    with pytest.raises(Locked, match="lost"):
        apply_plan(limited, plan)
    assert bystander.execute("select to_regclass('a')").fetchone() == (None,)
    assert limited.store.read_ledger().entries == ()


@pytest.mark.parametrize("marker", [UP, OUTSIDE])
def test_the_statement_timeout_is_in_force_in_every_section(
    postgres_server: PostgresServer, postgres_database: str, marker: str
) -> None:
    short = {"timeouts": {"statement": 0.2}}
    first = {"001_act": f"{marker}\nset statement_timeout = 0;"}
    with open_test_engine(postgres_server, postgres_database, **short) as engine:
        with pytest.raises(Exception, match="statement timeout") as caught:
            apply_up(engine, {**first, "002_slow": f"{marker}\nselect pg_sleep(60);"})
        assert failure_of(caught.value).error.code == "57014"


def test_an_unset_statement_timeout_leaves_the_roles_own(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    bystander.execute(f"alter database {postgres_database} set statement_timeout = '77s'")
    condition = "current_setting('statement_timeout') = '77s'"
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, {"001_a": check(condition), "002_b": check(condition)})


def test_the_settings_of_a_failed_section_are_gone(limited: Any) -> None:
    sql = "set search_path = nowhere;\nset role pg_monitor;\nselect 1/0;"
    with pytest.raises(StatementFailed):
        apply_up(limited, {"001_act": sql})
    assert by_hand(limited).query_one("select current_schema(), current_user::text") == (
        "public",
        "postgres",
    )


def test_a_client_encoding_that_a_section_sets_does_no_harm(limited: Any) -> None:
    sql = "set client_encoding = 'LATIN1';\nselect chr(228);\nselect 1;"
    apply_up(limited, {"001_act": sql, "002_check": 'create table "Ä" ();'})
    assert by_hand(limited).query_one("select to_regclass('\"Ä\"') is not null") == (True,)


@pytest.mark.parametrize(
    ("options", "asked", "answer"),
    [
        ("connect_timeout=10", "1", "1"),
        ("client_encoding=utf-8", "current_setting('client_encoding')", "UTF8"),
        ("options=-c%20search_path%3Dpg_catalog", "current_schema()::text", "pg_catalog"),
        ("application_name=shop&target_session_attrs=any&keepalives_idle=30",
         "current_setting('application_name')", "shop"),
    ],
)  # fmt: skip
def test_options_of_libpq_are_taken(
    postgres_server: PostgresServer, postgres_database: str, options: str, asked: str, answer: str
) -> None:
    database = with_options(postgres_server, postgres_database, options)
    history = {"schema": "public"}
    with open_test_engine(
        postgres_server, postgres_database, database=database, history=history
    ) as engine:
        assert by_hand(engine).query_one(f"select ({asked})::text") == (answer,)


@pytest.mark.parametrize(
    "option",
    ["client_encoding=latin1", "replication=database", "autocommit=0", "cls=x", "context=x",
     "schema=public", "pasword=hunter2"],
)  # fmt: skip
def test_options_that_are_not_libpqs_or_would_store_wrong_text_are_refused(
    postgres_server: PostgresServer, postgres_database: str, option: str
) -> None:
    database = with_options(postgres_server, postgres_database, option)
    with (
        pytest.raises(UsageError, match=option.partition("=")[0]) as caught,
        open_test_engine(postgres_server, postgres_database, database=database),
    ):
        pass
    assert caught.value.do
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("search_path=app,public", "`options=-c%20search_path%3Dapp%2Cpublic` in the URL"),
        ("schema=app", "`options=-c%20search_path%3Dapp` in the URL"),
        ("statement_timeout=5000", "`options=-c%20statement_timeout%3D5000` in the URL"),
        ("pgbouncer=true", "`pooler: session`"),
        ("connection_limit=3", "Leave it away"),
    ],
)
def test_an_option_of_other_clients_is_refused_with_how_to_say_it(
    option: str, instead: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read_options(dict([option.split("=")]))
    assert instead in caught.value.do


def test_names_that_are_no_utf8_hinder_nothing_and_are_written_out(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    name = postgres_server.new_database()
    postgres_server.drop_database(name)
    with postgres_server.connect("postgres") as connection:
        connection.execute(f"create database {name} template template0 encoding 'SQL_ASCII'")
    with postgres_server.connect(name, client_encoding="SQL_ASCII") as connection:
        connection.execute(b'create table "caf\xe9" ("\xe9t" int); create table "caf\xc3\xa9" ()')
    project = Project(tmp_path, postgres_server.url(name), settings="drift: check")
    refused(project.migrate("status"), 10, r"2 tables (café, caf\xe9)")
    project.write("001_t.sql", 'alter table "café" add column "été" int;')
    planned = succeed(project.migrate("plan", "--fresh", "--json")).document
    assert {'table public."café"', r'table public."caf\xe9"'} <= planned["fingerprint"].keys()
    succeed(project.migrate("apply", "plan.json"))
    succeed(project.migrate("history"))
    postgres_server.drop_database(name)


def test_a_role_that_may_not_use_the_schema_is_told_the_grant(
    postgres_server: PostgresServer, postgres_database: str, bystander: Any
) -> None:
    role = f"closed_{postgres_database}"
    bystander.execute("revoke all on schema public from public")
    bystander.execute(f"create role {role} login")
    try:
        with (
            pytest.raises(UsageError, match="may not use the schema public") as told,
            open_test_engine(postgres_server, postgres_database, user=role),
        ):
            pass
        (grant,) = re.findall("`(grant .*?)`", told.value.do)
        bystander.execute(grant)
        with open_test_engine(postgres_server, postgres_database, user=role) as engine:
            assert engine.session.history_schema == "public"
        bystander.execute(f"revoke usage on schema public from {role}")
    finally:
        bystander.execute(f"drop role {role}")
