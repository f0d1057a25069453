"""Whom migrations run as on a private server: nobody who could reach out of it."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.engine import Engine, Traits, open_engine
from lockgate.executors.failure import ServerError
from lockgate.executors.scratch import open_private_scratch
from lockgate.planner.environments.environment import resolve_database
from tests.executors.building import environment_for, open_test_engine

KEY = "0123456789ab"
DENIED = "42501"


@pytest.fixture(scope="module")
def live_database(postgres_server: Any) -> Iterator[str]:
    name = postgres_server.new_database()
    yield name
    postgres_server.drop_database(name)


@contextmanager
def private(server: Any, database: str, traits: Traits) -> Iterator[Engine]:
    with open_private_scratch(environment_for(server, database), traits, (), KEY) as engine:
        yield engine


@pytest.fixture(scope="module")
def scratch(postgres_server: Any, live_database: str) -> Iterator[Engine]:
    """A scratch database for a live role that is a superuser."""
    with open_test_engine(postgres_server, live_database) as live:
        traits = live.scratch.read_traits()
    assert "superuser" in traits.attributes
    with private(postgres_server, live_database, traits) as engine:
        yield engine


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to program 'touch {trap}'",
        "do $$ begin execute 'copy (select 1) to pro' || 'gram ''touch {trap}'''; end $$",
        "copy (select 1) to '{trap}'",
        "create temp table lines (line text)",
        "select lo_export(lo_from_bytea(0, 'x'), '{trap}')",
        "select lo_import('/etc/passwd')",
        "select pg_read_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "create function f() returns int as 'libc.so.6', 'system' language c",
        "create extension dblink",
        "create extension file_fdw",
        "alter system set archive_command = 'touch {trap}'",
        "load '/tmp/evil.so'",
        "set role lockgate_administrator",
        "set session authorization lockgate_first",
        "alter role lockgate_first with login",
        "create role evil superuser",
        "grant pg_execute_server_program to current_user",
        "create tablespace t location '{folder}'",
        "set session_preload_libraries = 'evil'",
    ],
)
def test_a_stand_in_for_a_superuser_reaches_nothing_outside(
    scratch: Engine, tmp_path: Path, sql: str
) -> None:
    trap = tmp_path / "trap"
    if sql.startswith("create temp table"):  # into a table, not out of one
        sql = "copy pg_temp.lines from '/etc/passwd'"
        scratch.session.execute("create temp table if not exists lines (line text)")
    with pytest.raises(ServerError) as refused:
        scratch.session.execute(sql.format(trap=trap, folder=tmp_path))
    assert refused.value.code in (DENIED, "58P01", "0LP01")
    assert not trap.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "create schema app; create table app.t (id int primary key); drop schema app cascade",
        "create extension pg_stat_statements schema public; drop extension pg_stat_statements",
        "create extension vector schema public; drop extension vector",
        "create extension pgrowlocks schema public; drop extension pgrowlocks",
        "create extension hstore schema public; drop extension hstore",
        "create role app; create schema app authorization app; drop owned by app; drop role app",
        "set session_replication_role = replica; reset session_replication_role",
        "create table public.t (id int); alter table public.t enable row level security; "
        "drop table public.t",
        "create function public.f() returns void language plpgsql as 'begin null;end'; "
        "drop function public.f()",
    ],
)
def test_what_a_superusers_migration_most_often_does_works(scratch: Engine, sql: str) -> None:
    for statement in sql.split("; "):
        scratch.session.execute(statement)


def test_the_server_has_no_network_and_no_environment_of_ours(
    scratch: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = scratch.session.query_one("select pg_backend_pid()")
    assert pid is not None
    environ = Path(f"/proc/{pid[0]}/environ").read_bytes().split(b"\0")
    names = {each.partition(b"=")[0] for each in environ if each}
    assert names <= {b"PATH", b"LC_ALL", b"TZ", b"PGDATA", b"PG_GRANDPARENT_PID", b"PGLOCALEDIR",
                     b"PGSYSCONFDIR", b"PWD", b"SHLVL", b"_", b"OLDPWD",
                     b"LC_COLLATE", b"LC_CTYPE", b"LC_MESSAGES", b"LC_MONETARY", b"LC_NUMERIC",
                     b"LC_TIME"}  # fmt: skip
    own = os.readlink("/proc/self/ns/net")
    assert os.readlink(f"/proc/{pid[0]}/ns/net") != own


def test_an_ordinary_role_has_what_it_has_where_it_is_live(
    postgres_server: Any, live_database: str
) -> None:
    traits = Traits(
        user="app", roles=("app", "owner", "postgres"), history_schema=None,
        settings={"search_path": "public"}, attributes=frozenset({"createdb", "noinherit"}),
    )  # fmt: skip
    with private(postgres_server, live_database, traits) as engine:
        found = engine.session.query_one(
            "select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolinherit from pg_roles "
            "where rolname = current_user and rolname = 'app'"
        )
        assert found == (False, True, False, False, False)
        for sql in ("set role owner", "create role other", "create extension dblink"):
            with pytest.raises(ServerError):
                engine.session.execute(sql)
        engine.session.execute("create table public.t (id int)")


def test_a_role_may_act_as_those_that_it_is_a_member_of(
    postgres_server: Any, live_database: str
) -> None:
    def run(*statements: str) -> None:
        with postgres_server.connect(live_database) as connection:
            for sql in statements:
                connection.execute(sql)

    run("create role private_owner", "create role private_app login in role private_owner",
        "grant pg_execute_server_program to private_app")  # fmt: skip
    try:
        environment = environment_for(postgres_server, live_database, user="private_app")
        with closing(open_engine(resolve_database(environment, {}), environment)) as live:
            traits = live.scratch.read_traits()
        with private(postgres_server, live_database, traits) as engine:
            engine.session.execute("create schema theirs authorization private_owner")
            with pytest.raises(ServerError, match="permission denied"):
                engine.session.execute("copy (select 1) to program 'true'")
    finally:
        run("drop role private_app", "drop role private_owner")
