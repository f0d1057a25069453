"""What each statement of a run is seen to lock and to rewrite, on live servers."""

from typing import Any

import pytest

from lockgate.planner.plan.plan import Lock, Measured
from tests.executors.building import OUTSIDE, apply_plan, apply_up, open_test_engine, plan_for

BASE = {
    "001_base": "create table par (id int primary key);\n"
    "insert into par values (1);\ncreate table t (id int primary key, a int, v varchar(50));\n"
    "insert into t values (1, 1, 'x');\n"
}
EXCLUSIVE = Lock(table="public.t", lock="ACCESS EXCLUSIVE", blocks="reads")


def measured(
    engine: Any, *texts: str, base: str = BASE["001_base"]
) -> dict[tuple[int, int], Measured]:
    """What more migrations are seen to do, by step and statement."""
    begun = {"001_base": base}
    apply_up(engine, begun)
    more = {f"{place:03}_more": text for place, text in enumerate(texts, 2)}
    plan = plan_for(engine, {**begun, **more})
    with engine.units.measuring() as gauge:
        apply_plan(engine, plan, emit=gauge.hear)
    return {(one.step, one.statement): one for one in gauge.measured}


def measured_one(engine: Any, sql: str) -> Measured:
    return measured(engine, sql)[1, 1]


def test_the_strongest_lock_on_each_table_is_seen(postgres: Any) -> None:
    one = measured_one(postgres, "alter table t add foreign key (a) references par (id);")
    writes = [Lock(table=f"public.{name}", lock="SHARE ROW EXCLUSIVE", blocks="writes")
              for name in ("par", "t")]  # fmt: skip
    assert one.locks == tuple(writes)
    assert one.rewrites == ()


def test_a_lock_that_the_transaction_held_before_is_not_told_again(postgres: Any) -> None:
    adding = "alter table t add column b int;\n"
    found = measured(postgres, f"create index on t (a);\n{adding}", "insert into t values (2);")
    share = Lock(table="public.t", lock="SHARE", blocks="writes")
    assert found[1, 1].locks == (share,)
    assert found[1, 2].locks == (EXCLUSIVE,)
    assert found[2, 1].locks == ()


def test_a_table_that_the_transaction_made_is_left_out(postgres: Any) -> None:
    found = measured(postgres, "create table n (a int);\nalter table n alter a type bigint;")
    assert {one.locks for one in found.values()} == {()}
    assert {one.rewrites for one in found.values()} == {()}


def test_a_renamed_table_is_told_by_the_name_that_the_statement_knew(postgres: Any) -> None:
    sql = "lock table par;\nalter table t rename to u;\nalter table u alter a type bigint;"
    found = measured(postgres, sql)
    assert found[1, 2].locks == (EXCLUSIVE,)
    assert found[1, 3].rewrites == ("public.u",)


def test_a_dropped_table_is_seen(postgres: Any) -> None:
    assert measured_one(postgres, "drop table t;").locks == (EXCLUSIVE,)


def test_what_a_block_does_behind_its_text_is_seen(postgres: Any) -> None:
    sql = "do $$ begin execute 'alter table t alter a type bigint'; end $$;"
    one = measured_one(postgres, sql)
    assert (one.locks, one.rewrites) == ((EXCLUSIVE,), ("public.t",))


SCANS = {
    "alter table e alter a set not null;": ("public.e",),
    "do $$ begin execute 'alter table e add check (a > 0)'; end $$;": ("public.e",),
    "create index on e (a);": ("public.e",),
    "alter table e add foreign key (a) references par (id);": ("public.e",),
    "alter table e add check (a > 0) not valid;": (),
    "truncate par cascade;": (),
    "alter table e add column b int default 4;": (),
    "lock table e;\nselect count(*) from e;\nupdate e set a = 1;": (),
}


@pytest.mark.parametrize("sql", SCANS)
def test_that_a_table_is_read_is_seen_though_it_is_empty(postgres: Any, sql: str) -> None:
    found = measured(postgres, sql, base=BASE["001_base"] + "create table e (a int);")
    scanned = [
        table for one in found.values() for table in one.scans or () if table != "public.par"
    ]
    assert tuple(scanned) == SCANS[sql]


def test_rows_that_travel_with_copy_are_seen(postgres: Any) -> None:
    one = measured_one(postgres, "copy t (id) from stdin;\n5\n6\n\\.\n")
    assert one.locks == (Lock(table="public.t", lock="ROW EXCLUSIVE", blocks="nothing"),)


def test_outside_of_a_transaction_a_statement_is_seen_in_its_own(postgres: Any) -> None:
    sql = "alter table t alter a type bigint;\nselect 1;\nalter table t add b int;"
    found = measured(postgres, f"{OUTSIDE}\n{sql}")
    assert [one.locks for one in found.values()] == [(EXCLUSIVE,), (), (EXCLUSIVE,)]
    assert [one.rewrites for one in found.values()] == [("public.t",), (), ()]


def test_of_what_commits_by_itself_only_rewrites_are_seen(postgres: Any) -> None:
    sql = "create index concurrently i on t (a);\nvacuum full t;"
    found = measured(postgres, f"{OUTSIDE}\n{sql}", "alter table t alter v type char(60);")
    assert (found[1, 1].locks, found[1, 1].rewrites) == (None, ())
    assert (found[1, 2].locks, found[1, 2].rewrites) == (None, ("public.t",))
    assert (found[2, 1].locks, found[2, 1].rewrites) == ((EXCLUSIVE,), ("public.t",))


def test_rows_of_copy_outside_of_a_transaction_are_seen(postgres: Any) -> None:
    one = measured_one(postgres, f"{OUTSIDE}\ncopy t (id) from stdin;\n5\n\\.\n")
    assert one.locks == (Lock(table="public.t", lock="ROW EXCLUSIVE", blocks="nothing"),)


def test_nothing_is_measured_behind_the_block(postgres: Any) -> None:
    measured(postgres, "alter table t add column b int;")
    with postgres.units.measuring() as gauge:
        pass
    apply_up(postgres, {**BASE, "002_more": "alter table t add column b int;", "003_x": "select 1"})
    assert gauge.measured == ()


REBUILDS = {
    "alter table t modify a bigint": ("t",),
    "alter table t add column b int": (),
    "create index i on t (a)": (),
    "alter table t drop primary key, modify id int": ("t",),
    "alter table t force": ("t",),
    "optimize table t": ("t",),
    "truncate table t": (),
    "update t set a = 2": (),
    "drop table t": (),
    "rename table t to u, par to t": (),
}


@pytest.mark.parametrize("sql", REBUILDS)
def test_a_rebuilt_table_is_seen_by_its_id(
    family_server: Any, family_database: str, sql: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        one = measured_one(engine, f"{sql};")
    assert (one.locks, one.rewrites) == (None, REBUILDS[sql])


def test_an_empty_table_that_mysql_rebuilds_proves_nothing(mysql_server: Any) -> None:
    database = mysql_server.new_database()
    with open_test_engine(mysql_server, database) as engine:
        found = measured(engine, "truncate table t;", "alter table t add column b int;")
    mysql_server.drop_database(database)
    assert [one.rewrites for one in found.values()] == [(), None]


def test_names_and_partitions_are_those_of_the_table(
    family_server: Any, family_database: str
) -> None:
    made = "create table `a-b` (id int primary key) partition by hash (id) partitions 2;\n"
    made += "insert into `a-b` values (1);"
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, {"001_base": made})
        changed = {"001_base": made, "002_more": "alter table `a-b` modify id bigint;"}
        plan = plan_for(engine, changed)
        with engine.units.measuring() as gauge:
            apply_plan(engine, plan, emit=gauge.hear)
    assert [one.rewrites for one in gauge.measured] == [("a-b",)]


def test_an_account_that_may_not_see_ids_measures_the_time(
    family_server: Any, family_database: str
) -> None:
    with family_server.connect(family_database) as connection, connection.cursor() as cursor:
        cursor.execute("create user measured_poor")
        cursor.execute(f"grant all privileges on `{family_database}`.* to measured_poor")
    try:
        with open_test_engine(family_server, family_database, user="measured_poor") as engine:
            one = measured_one(engine, "alter table t force;")
    finally:
        with family_server.connect(family_database) as connection, connection.cursor() as cursor:
            cursor.execute("drop user measured_poor")
    assert (one.locks, one.rewrites) == (None, None)
