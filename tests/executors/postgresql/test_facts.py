"""The facts of relations, as PostgreSQL tells them: for sizes in a plan, and without waiting."""

from contextlib import closing
from typing import Any

import pytest

from lockgate.executors.engine import open_engine
from lockgate.executors.postgresql.facts import read_facts
from lockgate.executors.postgresql.units.deferred import check_deferred
from lockgate.planner.environments.environment import resolve_database
from lockgate.planner.fleet.place import TargetPlace
from tests.executors.building import environment_for, open_test_engine
from tests.servers.postgres import PostgresServer


def test_rows_and_size_are_those_of_the_last_count(postgres: Any, bystander: Any) -> None:
    bystander.execute("create table t (id int primary key, v text)")
    bystander.execute("insert into t select n, repeat('x', 100) from generate_series(1, 5000) n")
    bystander.execute("analyze t")
    table = read_facts(postgres.session).tables["t"]
    assert table.rows == 5000
    (size,) = bystander.execute("select pg_total_relation_size('t')").fetchone()
    assert table.size == size


def test_rows_that_came_after_the_last_count_are_estimated(postgres: Any, bystander: Any) -> None:
    bystander.execute("create table t (id int)")
    bystander.execute("insert into t select generate_series(1, 10000)")
    bystander.execute("analyze t")
    bystander.execute("insert into t select generate_series(1, 10000)")
    assert 19_000 < read_facts(postgres.session).tables["t"].rows < 21_000


def test_a_table_that_nobody_has_counted_is_estimated_by_its_pages(
    postgres: Any, bystander: Any
) -> None:
    bystander.execute("create table t (id int, made timestamptz)")
    bystander.execute("insert into t select n, now() from generate_series(1, 10000) n")
    bystander.execute("create table bare (id int)")
    tables = read_facts(postgres.session).tables
    assert 8_000 < tables["t"].rows < 12_500
    assert (tables["bare"].rows, tables["bare"].size) == (0, 0)


def test_partitions_are_parts_of_their_table(postgres: Any, bystander: Any) -> None:
    bystander.execute("create table t (id int) partition by range (id)")
    bystander.execute("create index on t (id)")
    bystander.execute("create table low partition of t for values from (0) to (100)")
    bystander.execute(
        "create table high partition of t for values from (100) to (900) partition by list (id)"
    )
    bystander.execute("create table rest partition of high default")
    bystander.execute("insert into t select generate_series(0, 499)")
    bystander.execute("analyze t")
    tables = read_facts(postgres.session).tables
    assert [tables[name].rows for name in ("low", "rest", "high", "t")] == [100, 400, 400, 500]
    assert tables["t"].size == tables["low"].size + tables["rest"].size
    assert tables["t_id_idx"].rows == 500


def test_a_table_that_the_search_path_does_not_find_has_its_schema(
    postgres: Any, bystander: Any
) -> None:
    bystander.execute("create schema archive")
    bystander.execute("create table archive.t (old int)")
    bystander.execute("create table archive.gone (id int)")
    bystander.execute("create table t (id int)")
    tables = read_facts(postgres.session).tables
    assert list(tables["t"].columns) == ["id"]
    assert list(tables["archive.t"].columns) == ["old"]
    assert "gone" not in tables
    assert "archive.gone" in tables


def test_columns_are_told_with_their_types(postgres: Any, bystander: Any) -> None:
    bystander.execute('create table t (id bigint not null, "V" varchar(50), gone int)')
    bystander.execute("alter table t drop column gone")
    columns = read_facts(postgres.session).tables["t"].columns
    assert {name: (one.type, one.nullable) for name, one in columns.items()} == {
        "id": ("bigint", False),
        "V": ("character varying(50)", True),
    }


def test_the_right_to_connect_is_enough(
    postgres_server: PostgresServer, postgres_database: str, bystander: Any
) -> None:
    name = f"guest_{postgres_database}"
    bystander.execute("create table t (id int)")
    bystander.execute("create schema hidden create table hidden.t (id int)")
    bystander.execute(f"create role {name} login")
    try:
        settings = {"history": {"schema": "public"}}
        with open_test_engine(postgres_server, postgres_database, user=name, **settings) as engine:
            assert {"t", "hidden.t"} <= read_facts(engine.session).tables.keys()
    finally:
        bystander.execute(f"drop role {name}")


@pytest.mark.parametrize(
    ("closing", "closed"),
    [
        ("lock table plain", {"plain", "plain_pkey"}),
        ("reindex index plain_pkey", {"plain", "plain_pkey"}),
        ("lock table only part", {"part", "whole"}),
        ("alter table whole add n int", {"part", "whole"}),
    ],
)
def test_what_somebody_has_closed_is_left_out_and_not_waited_for(
    postgres: Any, bystander: Any, closing: str, closed: set[str]
) -> None:
    bystander.execute("create table plain (id int primary key)")
    bystander.execute("create table whole (id int) partition by range (id)")
    bystander.execute("create table part partition of whole default")
    before = read_facts(postgres.session).tables.keys()
    with bystander.transaction():
        bystander.execute(closing)
        assert read_facts(postgres.session).tables.keys() == before - closed


def test_two_thousand_tables_are_read_at_once(postgres: Any, bystander: Any) -> None:
    bystander.execute(
        "do $$ begin for n in 1..2000 loop execute format('create table t%s (id bigint primary "
        "key, a text, b text, c numeric(10, 2), d timestamptz)', n); "
        "if n % 100 = 0 then commit; end if; end loop; end $$"
    )
    postgres.session.execute("set statement_timeout = '2min'")  # a hundred times what it takes
    assert len(read_facts(postgres.session).tables) == 4000


def test_of_one_schema_of_many_nothing_of_the_others_is_read(
    postgres_server: Any, postgres_database: str, bystander: Any
) -> None:
    for name in ("a", "b"):
        bystander.execute(f"create schema {name}")
        bystander.execute(f"create table {name}.t (id serial primary key, n int check (n > 0))")
        bystander.execute(f"create view {name}.v as select id from {name}.t")
    place = TargetPlace("a", schema="a")
    environment = environment_for(postgres_server, postgres_database)
    address = place.over(resolve_database(environment, {}))
    with closing(open_engine(address, environment.member(place))) as engine:
        facts = engine.survey.read_facts()
    assert {table.schema for table in facts.tables.values()} == {"a"}
    assert facts.tables["t"].layout.views == {"v": ("id",)}
    found = {schema for kind, schema, _ in facts.names.found if kind == "table"}
    assert found == {"a"}
    assert [one.table for one in facts.dependents["relation t_id_seq"]] == ["t"]


def test_what_a_schema_holds_is_found_without_reading_all_that_others_hold(
    postgres_server: Any, postgres_database: str, bystander: Any
) -> None:
    bystander.execute(
        "do $$ begin for n in 1..600 loop execute format('create schema s%s; create table s%s.t "
        "(id int primary key, a text not null, b text not null)', n, n); end loop; end $$"
    )
    place = TargetPlace("s7", schema="s7")
    environment = environment_for(postgres_server, postgres_database)
    address = place.over(resolve_database(environment, {}))
    before = read_by_scans(bystander)
    with closing(open_engine(address, environment.member(place))) as engine:
        assert [one.name for one in engine.survey.find_tables()] == ["t"]
        assert list(engine.survey.read_outline().sizes) == ["t"]
        engine.session.execute(check_deferred("s7"))
        engine.session.execute("select pg_stat_force_next_flush()")
    assert read_by_scans(bystander) - before < 600


def read_by_scans(bystander: Any) -> int:
    """How many rows of the larger catalogues were read without an index, by all sessions."""
    rows = bystander.execute(
        "select sum(seq_tup_read)::int from pg_stat_sys_tables where relname in "
        "('pg_class', 'pg_depend', 'pg_attribute', 'pg_constraint', 'pg_type', 'pg_index')"
    ).fetchall()
    return int(rows[0][0])
