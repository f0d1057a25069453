"""The catalogue of real databases: what it tells apart, and what it takes for the same."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import pytest

from lockgate.executors.engine import open_engine
from lockgate.executors.mysql.catalogue import catalogue as mysql_catalogue
from lockgate.executors.postgresql.catalogue import catalogue as postgresql_catalogue
from lockgate.planner.database.catalogue import Catalogue, differences
from lockgate.planner.environments.environment import resolve_database
from lockgate.planner.fleet.place import TargetPlace
from tests.executors.building import by_hand, environment_for, new_identity, open_test_engine
from tests.executors.catalogue_family import (
    FAMILY,
    FAMILY_CHANGES,
    FAMILY_DETOURS,
    FAMILY_OTHER_ROAD,
    MARIADB_CHANGES,
    MYSQL_CHANGES,
    Changes,
)
from tests.executors.catalogue_postgresql import (
    POSTGRESQL,
    POSTGRESQL_CHANGES,
    POSTGRESQL_DETOURS,
    POSTGRESQL_OTHER_ROAD,
)

BASES = {"mysql": FAMILY, "mariadb": ("create sequence sq", *FAMILY), "postgresql": POSTGRESQL}
OTHER_ROADS = {
    "mysql": FAMILY_OTHER_ROAD,
    "mariadb": (*FAMILY_OTHER_ROAD, "create sequence sq"),
    "postgresql": POSTGRESQL_OTHER_ROAD,
}
DETOURS = {
    "mysql": FAMILY_DETOURS,
    "mariadb": FAMILY_DETOURS,
    "postgresql": POSTGRESQL_DETOURS,
}
READERS: dict[str, Callable[[Any], Catalogue]] = {
    "mysql": mysql_catalogue.read_catalogue,
    "mariadb": mysql_catalogue.read_catalogue,
    "postgresql": postgresql_catalogue.read_catalogue,
}


def run(server: Any, database: str, *statements: str) -> None:
    """Runs statements one by one, each kept at once, on one session."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


def read(server: Any, database: str) -> Catalogue:
    with open_test_engine(server, database) as engine:
        return READERS[server.engine](engine.session)


@contextmanager
def database_of(server: Any, statements: Sequence[str]) -> Iterator[str]:
    """The name of a fresh database in which these statements were run."""
    name = server.new_database()
    try:
        run(server, name, *statements)
        yield name
    finally:
        server.drop_database(name)


@pytest.fixture
def built(any_server: Any) -> Iterator[str]:
    """The name of a database with one object of each kind, on `any_server`."""
    with database_of(any_server, BASES[any_server.engine]) as name:
        yield name


def read_both(server: Any, database: str) -> tuple[Catalogue, Mapping[str, str]]:
    """The catalogue, and the digests that a run would leave."""
    with open_test_engine(server, database) as engine:
        return READERS[server.engine](engine.session), engine.survey.read_digests()


@cache
def base_of(server: Any) -> Catalogue:
    """The catalogue of each database that is built of the server's `BASES`."""
    return both_of_base(server)[0]


@cache
def both_of_base(server: Any) -> tuple[Catalogue, Mapping[str, str]]:
    with database_of(server, BASES[server.engine]) as database:
        return read_both(server, database)


def refuse_another_difference(server: Any, changes: Changes, case: str) -> None:
    """Asserts that a case changes its own object in the catalogue, and in what a run would leave,
    and nothing else."""
    changed, *statements = changes[case]
    before, left = both_of_base(server)
    with database_of(server, [*BASES[server.engine], *statements]) as database:
        now, leaves = read_both(server, database)
    found = differences(before, now)
    assert [difference.object for difference in found] == [changed]
    assert all(difference.lines for difference in found)
    of_migrations = [] if changed in {"database", "grants"} else [changed]
    assert [difference.object for difference in differences(left, leaves)] == of_migrations


@pytest.mark.parametrize("case", FAMILY_CHANGES)
def test_a_change_of_the_family_is_seen_alone(family_server: Any, case: str) -> None:
    refuse_another_difference(family_server, FAMILY_CHANGES, case)


@pytest.mark.parametrize("case", MYSQL_CHANGES)
def test_a_change_that_only_mysql_knows_is_seen_alone(mysql_server: Any, case: str) -> None:
    refuse_another_difference(mysql_server, MYSQL_CHANGES, case)


@pytest.mark.parametrize("case", MARIADB_CHANGES)
def test_a_change_that_only_mariadb_knows_is_seen_alone(mariadb_server: Any, case: str) -> None:
    refuse_another_difference(mariadb_server, MARIADB_CHANGES, case)


@pytest.mark.parametrize("case", POSTGRESQL_CHANGES)
def test_a_change_on_postgresql_is_seen_alone(postgres_server: Any, case: str) -> None:
    refuse_another_difference(postgres_server, POSTGRESQL_CHANGES, case)


def test_every_object_of_the_base_is_told(any_server: Any, built: str) -> None:
    kinds = {name.split()[0] for name in read(any_server, built).objects}
    assert {"database", "table", "view", "trigger", "procedure", "function"} <= kinds


def test_equal_databases_of_different_names_are_equal(any_server: Any, built: str) -> None:
    assert differences(base_of(any_server), read(any_server, built)) == ()


def test_a_detour_leaves_nothing(any_server: Any, built: str) -> None:
    detours = DETOURS[any_server.engine]
    before, left = read(any_server, built), {}
    for name, statements in detours.items():
        run(any_server, built, *statements)
        if found := differences(before, read(any_server, built)):
            left[name] = found
    assert left == {}
    assert read(any_server, built).digest == before.digest


def test_another_order_of_creation_is_the_same(any_server: Any) -> None:
    with database_of(any_server, OTHER_ROADS[any_server.engine]) as database:
        assert differences(base_of(any_server), read(any_server, database)) == ()


@pytest.mark.parametrize("table", ["schema_migrations", "My History"])
def test_lockgates_own_tables_are_not_told(any_server: Any, built: str, table: str) -> None:
    before = read(any_server, built)
    with open_test_engine(any_server, built, history={"table": table}) as engine:
        engine.store.ensure_tables(new_identity(engine))
        after = READERS[any_server.engine](engine.session)
    assert differences(before, after) == ()


def test_a_schema_for_lockgates_own_tables_is_not_told(postgres_server: Any) -> None:
    with database_of(postgres_server, POSTGRESQL) as database:
        before = read(postgres_server, database)
        own = {"history": {"schema": "own", "table": "history"}}
        with open_test_engine(postgres_server, database, **own) as engine:
            engine.store.ensure_tables(new_identity(engine))
            assert differences(before, postgresql_catalogue.read_catalogue(engine.session)) == ()
            run(postgres_server, database, "create table own.orders (a int)")
            found = differences(before, postgresql_catalogue.read_catalogue(engine.session))
    assert [difference.object for difference in found] == ["schema own", "table own.orders"]


def test_tables_named_as_lockgates_elsewhere_are_told(family_server: Any) -> None:
    elsewhere = family_server.new_database()
    with database_of(family_server, ["create table lockgate_runs (a int)"]) as database:
        own = {"history": {"schema": elsewhere, "table": "history"}}
        with open_test_engine(family_server, database, **own) as engine:
            assert "table lockgate_runs" in mysql_catalogue.read_catalogue(engine.session).objects
    family_server.drop_database(elsewhere)


def test_what_another_session_has_just_done_is_seen(any_server: Any, built: str) -> None:
    reader = READERS[any_server.engine]
    with open_test_engine(any_server, built) as engine:
        before = reader(engine.session)
        run(any_server, built, "create table just_now (a int)")
        found = [difference.object for difference in differences(before, reader(engine.session))]
    assert [name.removeprefix("table public.").removeprefix("table ") for name in found] == [
        "just_now"
    ]


def test_another_database_is_not_told(any_server: Any, built: str) -> None:
    before = read(any_server, built)
    with database_of(any_server, ["create table elsewhere (a int)"]):
        assert differences(before, read(any_server, built)) == ()


def test_a_sections_sql_mode_changes_nothing_and_stays(family_server: Any) -> None:
    with (
        database_of(family_server, FAMILY) as database,
        open_test_engine(family_server, database) as engine,
    ):
        before = mysql_catalogue.read_catalogue(engine.session)
        by_hand(engine).execute("set session sql_mode = 'ANSI_QUOTES'")
        assert differences(before, mysql_catalogue.read_catalogue(engine.session)) == ()
        assert by_hand(engine).query_all("select @@sql_mode") == [("ANSI_QUOTES",)]


def test_a_search_path_changes_nothing(
    postgres_server: Any, postgres_database: str, postgres: Any, bystander: Any
) -> None:
    for sql in POSTGRESQL:
        bystander.execute(sql)
    before = postgresql_catalogue.read_catalogue(postgres.session)
    bystander.execute(f"alter database {postgres_database} set search_path = public, app")
    with open_test_engine(postgres_server, postgres_database) as engine:
        found = differences(before, postgresql_catalogue.read_catalogue(engine.session))
    assert [difference.object for difference in found] == ["database"]


def test_an_invalid_index_is_another_index(postgres: Any, bystander: Any) -> None:
    bystander.execute("create table t (a int)")
    bystander.execute("create unique index k on t (a)")
    before = postgresql_catalogue.read_catalogue(postgres.session)
    bystander.execute("update pg_index set indisvalid = false where indexrelid = 'k'::regclass")
    (found,) = differences(before, postgresql_catalogue.read_catalogue(postgres.session))
    assert found.object == "table public.t"
    assert "valid false" in found.lines[1]


def test_grants_on_the_database_and_its_objects_are_told(family_server: Any) -> None:
    with database_of(family_server, FAMILY) as database:
        before = read(family_server, database)
        account = f"visitor_{database[-6:]}"
        run(
            family_server,
            database,
            f"create user {account}",
            f"grant select on `{database}`.* to {account}",
            f"grant insert on users to {account}",
            f"grant update (name) on users to {account}",
            f"grant execute on procedure pr to {account}",
        )
        (found,) = differences(before, read(family_server, database))
        run(family_server, database, f"drop user {account}")
        assert differences(before, read(family_server, database)) == ()
    assert found.object == "grants"
    assert len(found.lines) == 4


def test_a_name_of_many_signs_is_no_hindrance(family_server: Any) -> None:
    odd = "a `b%s"
    quoted = "`" + odd.replace("`", "``") + "`"
    with database_of(
        family_server, [f"create table {quoted} (`%s` text, fulltext (`%s`))"]
    ) as database:
        run(
            family_server,
            database,
            f"create algorithm = merge view `v%s` as select * from {quoted}",
        )
        objects = read(family_server, database).objects
    assert "column %s" in objects[f"table {odd}"]
    assert "algorithm MERGE" in objects["view v%s"]


def test_a_plain_account_sees_what_it_may(family_server: Any) -> None:
    with database_of(family_server, FAMILY) as database:
        account = f"plain_{database[-6:]}"
        run(
            family_server,
            database,
            f"create user {account}",
            f"grant all on `{database}`.* to {account}",
        )
        with open_test_engine(family_server, database, user=account) as engine:
            seen = mysql_catalogue.read_catalogue(engine.session)
        run(family_server, database, f"drop user {account}")
        whole = read(family_server, database)
    hidden = {difference.object for difference in differences(whole, seen)}
    # The server shows a body to its definer, and to who may see every routine.
    assert hidden <= {"grants", "procedure pr", "function fu"}


def test_of_one_schema_of_many_all_that_it_holds_is_told_and_nothing_else(
    postgres_server: Any, postgres_database: str
) -> None:
    for name in ("a", "b"):
        run(postgres_server, postgres_database, f"create schema {name}")
        with postgres_server.connect(postgres_database) as connection:
            connection.execute(f"set search_path = {name}")
            for sql in IN_A_SCHEMA:
                connection.execute(sql)
    place = TargetPlace("a", schema="a")
    environment = environment_for(postgres_server, postgres_database)
    address = place.over(resolve_database(environment, {}))
    with closing(open_engine(address, environment.member(place))) as engine:
        own = engine.survey.read_digests()
    with open_test_engine(postgres_server, postgres_database) as engine:
        whole = engine.survey.read_digests()
    kept = {name: digest for name, digest in whole.items() if re.search(r"\ba\b", name)}
    assert own == kept
    assert {name.partition(" ")[0] for name in own} >= KINDS_OF_A_SCHEMA


IN_A_SCHEMA = (
    "create type mood as enum ('x', 'y')",
    "create domain pos as int check (value > 0)",
    "create type pair as (left_one int, right_one text)",
    "create type reach as range (subtype = int4)",
    "create table p (id int generated always as identity primary key, m mood, q pos, r pair)",
    "create table part (k int) partition by range (k)",
    "create table part1 partition of part for values from (0) to (9)",
    "create index on part (k)",
    "create view v as select id from p",
    "create materialized view mv as select id from p",
    "create table u (s serial, n int[])",
    "create function f(int) returns int language sql as 'select 1'",
    "create procedure pr() language sql as 'select 1'",
    "create aggregate ag(int) (sfunc = int4pl, stype = int, initcond = '0')",
    "create function tg() returns trigger language plpgsql as 'begin return new; end'",
    "create trigger tr before insert on u for each row execute function tg()",
    "create rule ru as on delete to v do instead nothing",
    "create policy po on u for select using (n is not null)",
    "create statistics st on id, m from p",
    "create sequence sq",
    'create collation co from "C"',
    "create operator === (leftarg = int, rightarg = int, function = int4eq)",
    "create text search configuration tc (copy = simple)",
    "create text search dictionary td (template = simple)",
)
KINDS_OF_A_SCHEMA = {
    *("aggregate", "collation", "domain", "function", "materialized", "operator", "policy"),
    *("procedure", "rule", "schema", "sequence", "statistics", "table", "text", "trigger"),
    *("type", "view"),
}
