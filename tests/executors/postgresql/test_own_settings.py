"""What a database's owner shadows or sets, lockgate's own statements do not call nor see."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from lockgate.planner.errors import UsageError
from tests.executors.building import (
    OUTSIDE,
    Recorder,
    apply_plan,
    apply_up,
    by_hand,
    down_plan_for,
    open_test_engine,
)
from tests.servers.postgres import PostgresServer

Bystander = psycopg.Connection[Any]
HISTORY = {"history": {"schema": "public"}}

# One of each name and signature of the server's own, which says so when it is called.
SHADOW = r"""
create schema evil;
create function evil.trap() returns int language plpgsql as
    $$ begin raise exception 'the owner''s code runs as %', current_user; end $$;
do $$ declare
    kind record;
begin
    for kind in select proname as name, pg_get_function_identity_arguments(oid) as arguments,
            pg_get_function_result(oid) as result from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f'
    loop
        begin
            execute format('create function evil.%I(%s) returns %s language plpgsql as '
                '''begin perform evil.trap(); end''', kind.name, kind.arguments, kind.result);
        exception when others then null;  -- pseudo-types that plpgsql does not take
        end;
    end loop;
    for kind in select oprname as name, oprleft::regtype as one, oprright::regtype as other,
            oprcode::regproc::text as code from pg_operator
        where oprnamespace = 'pg_catalog'::regnamespace
    loop
        begin
            execute format('create operator evil.%s (leftarg = %s, rightarg = %s, '
                'function = evil.%s)', kind.name, kind.one, kind.other, kind.code);
        exception when others then null;
        end;
    end loop;
    for kind in select relname as name from pg_class
        where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')
    loop
        execute format('create view evil.%I as select evil.trap()', kind.name);
    end loop;
end $$;
create domain evil.text as pg_catalog.text check (evil.trap() is null);
create domain evil.regclass as pg_catalog.text check (evil.trap() is null);
create domain evil.int8 as pg_catalog.int8 check (evil.trap() is null);
"""
# They name nothing that is shadowed, for what they call is their own affair.
MIGRATIONS = {
    "001_t": "create table public.t (id pg_catalog.int4);\n-- migrate:down\ndrop table public.t;",
    "002_i": f"{OUTSIDE}\ncreate index concurrently i on public.t (id);\n"
    "-- migrate:down transaction:false\ndrop index concurrently public.i;",
    "003_u": f"{OUTSIDE}\ncreate table public.u (id pg_catalog.int4);\n"
    "-- migrate:down\ndrop table public.u;",
}


@pytest.fixture
def trapped(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> Iterator[Any]:
    """A session on a database whose owner has shadowed all that the server has."""
    bystander.execute(SHADOW)
    bystander.execute(
        f"alter database {postgres_database} set search_path = evil, pg_catalog, public"
    )
    with open_test_engine(postgres_server, postgres_database, **HISTORY) as engine:
        yield engine


def test_what_is_shadowed_is_called_by_who_names_it(trapped: Any) -> None:
    for sql in ("select now()", "select 'a' || 'b'", "select from pg_class", "select 1::int8"):
        with pytest.raises(Exception, match="owner's code"):
            by_hand(trapped).execute(sql)


def test_a_migration_is_applied_and_rolled_back_without_the_owners_code(trapped: Any) -> None:
    apply_up(trapped, MIGRATIONS)
    trapped.survey.read_facts()
    trapped.survey.read_catalogue()
    trapped.scratch.read_counters()
    trapped.scratch.read_traits()
    assert len(trapped.store.runs.read_runs(9)) == 1
    apply_plan(trapped, down_plan_for(trapped, MIGRATIONS, steps=3))
    assert trapped.store.read_ledger().entries == ()


def test_who_waits_for_the_lock_asks_without_the_owners_code(
    trapped: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    with open_test_engine(postgres_server, postgres_database, **HISTORY) as other:
        with other.lock.hold(0, Recorder()):
            assert not trapped.lock.take()
            assert trapped.lock.holder() is not None
        with trapped.lock.hold(0, Recorder()):
            trapped.lock.prove()


def test_a_session_that_was_ended_and_opened_again_calls_nothing(trapped: Any) -> None:
    trapped.session.end_session()
    assert not trapped.store.read_ledger().present
    trapped.session.leave()
    assert trapped.lock.retake()


def test_the_clock_is_the_servers(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    bystander.execute("create schema evil")
    bystander.execute(
        "create function evil.now() returns timestamptz language sql "
        "as 'select timestamptz ''2000-01-01'''"
    )
    bystander.execute(f"alter database {postgres_database} set search_path = evil, pg_catalog")
    with open_test_engine(postgres_server, postgres_database, **HISTORY) as engine:
        assert abs(engine.server.now - datetime.now(UTC)) < timedelta(hours=1)


@pytest.mark.parametrize("marker", ["-- migrate:up", OUTSIDE])
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("search_path", "app, public"),
        ("row_security", "on"),
        ("datestyle", "SQL, DMY"),
        ("quote_all_identifiers", "on"),
    ],
)
def test_every_statement_of_a_migration_has_the_servers_own_settings(
    postgres_server: PostgresServer,
    postgres_database: str,
    bystander: Bystander,
    marker: str,
    setting: str,
    value: str,
) -> None:
    bystander.execute("create schema app")
    bystander.execute("create table public.seen (place int, value text)")
    bystander.execute(f"alter database {postgres_database} set {setting} = {value}")
    note = f"insert into public.seen select %d, current_setting('{setting}');"
    sections = {
        f"00{number}_x": f"{marker}\n{note % number}\n{note % number}\n" for number in (1, 2)
    }
    with open_test_engine(postgres_server, postgres_database, **HISTORY) as engine:
        apply_up(engine, sections)
        assert by_hand(engine).query_all("select value from public.seen") == [(value,)] * 4


def test_what_is_deferred_to_the_commit_runs_under_the_servers_own_settings(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    bystander.execute("create table seen (path text)")
    bystander.execute("create table t (id int)")
    bystander.execute(
        "create function note() returns trigger language plpgsql as $$ begin "
        "insert into seen values (current_setting('search_path')); return null; end $$"
    )
    bystander.execute(
        "create constraint trigger later after insert on t deferrable initially deferred "
        "for each row execute function note()"
    )
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, {"001_x": "insert into t values (1);"})
        assert by_hand(engine).query_all("select path from seen") == [('"$user", public',)]


def test_a_table_of_the_migration_that_has_a_servers_name_changes_nothing(
    postgres: Any, bystander: Bystander
) -> None:
    hidden = "create temp table pg_locks (pid int);\ncreate temp table pg_class (oid oid);"
    apply_up(postgres, {"001_t": hidden, "002_o": f"{OUTSIDE}\n{hidden}"})
    assert len(postgres.store.read_ledger().entries) == 2


@pytest.mark.parametrize("whom", ["database {database}", "role postgres in database {database}"])
def test_a_server_that_takes_backslashes_for_escapes_is_refused(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, whom: str
) -> None:
    owner = whom.format(database=postgres_database)
    bystander.execute(f"alter {owner} set standard_conforming_strings = off")
    with (
        pytest.raises(UsageError, match="standard_conforming_strings off") as caught,
        open_test_engine(postgres_server, postgres_database),
    ):
        pass
    assert "alter role" in caught.value.do
