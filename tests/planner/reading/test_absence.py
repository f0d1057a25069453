"""What is not there: IF EXISTS does nothing about it, and where that is not certain, all."""

import pytest

from lockgate.planner.database.facts import Facts, KnownNames
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.reader import read_impacts
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect

THERE = frozenset(
    {("table", "public", "orders"), ("table", "app", "items"), ("type", "public", "mood"),
     ("schema", "", "app"), ("function", "public", "f")}
)  # fmt: skip
FACTS = Facts(names=KnownNames(THERE, ("me", "public")))
SHOP = KnownNames(
    frozenset({("table", "shop", "orders")}), ("shop",), frozenset({"shop"}), folded=True
)


def last(sql: str, facts: Facts = FACTS, dialect: Dialect = POSTGRESQL) -> Impact:
    return [*read_impacts(sql.split("; "), dialect, facts)][-1]


def names(impact: Impact) -> list[str]:
    return [one.name for one in impact.reading.absent]


@pytest.mark.parametrize(
    "sql",
    [
        "drop table if exists gone cascade",
        "drop table if exists items",  # it is in a schema that is not looked into
        "drop table if exists app.orders, elsewhere.items",
        'drop table if exists "Orders"',
        "drop view if exists gone cascade",
        "drop index concurrently if exists gone",
        "drop type if exists gone cascade",
        "drop function if exists gone(int) cascade",
        "drop schema if exists gone cascade",
        "drop extension if exists citext cascade",
        "alter table if exists gone drop column a, alter b type bigint",
        "alter table if exists gone rename to other",
        "set search_path = app; drop table if exists orders",
        "create table new (id int); alter table orders add a int; drop table if exists gone",
        "create schema more; drop table if exists more.gone",
        "update orders set a = 1; drop table if exists gone",
    ],
)
def test_nothing_is_done_about_what_is_not_there(sql: str) -> None:
    impact = last(sql)
    assert names(impact)
    assert (impact.loses, impact.holds, impact.reading.objects) == ((), (), ())
    assert last(sql, Facts()).reading.absent == ()


@pytest.mark.parametrize(
    "sql",
    [
        "drop table if exists orders",
        "drop table gone",
        "drop table if exists public.orders, app.items",
        "set search_path = app, public; drop table if exists orders",
        "select set_config('search_path', user, false); drop table if exists gone",
        'set search_path = "$user"; drop table if exists gone',
        "set role other; drop table if exists gone",
        "drop table if exists pg_temp.gone",
        "create table gone (id int); drop table if exists gone",
        "create table if not exists gone (id int); drop table if exists gone",
        "create temp table gone (id int); drop table if exists gone",
        "alter table orders rename to gone; drop table if exists gone",
        "create index gone on orders (a); drop index concurrently if exists gone",
        "create index on orders (a); drop index concurrently if exists orders_a_idx",
        "alter table orders add b serial; drop sequence if exists orders_b_seq cascade",
        "alter table app.items set schema public; drop table if exists items",
        "create schema s create table gone (id int); drop table if exists s.gone",
        "alter schema app rename to more; drop table if exists more.items",
        "alter type mood rename to gone; drop type if exists gone cascade",
        "alter function f() rename to gone; drop function if exists gone cascade",
        "create extension citext; drop type if exists gone cascade",
        "do $$ begin create table gone (id int); end $$; drop table if exists gone",
        "select f(); drop table if exists gone",
        "alter table if exists orders drop column gone",
    ],
)
def test_what_may_be_there_is_dropped(sql: str) -> None:
    assert names(last(sql)) == []


def test_of_several_only_what_is_there_is_lost() -> None:
    impact = last("drop table if exists gone, orders, app.gone cascade")
    assert names(impact) == ["gone", "gone"]
    assert impact.loses == ("the table orders",)
    assert [hold.on.name for hold in impact.holds] == ["orders"]


@pytest.mark.parametrize(
    ("sql", "absent"),
    [
        ("drop table if exists gone", ["gone"]),
        ("drop table if exists Orders, gone", ["gone"]),
        ("drop table if exists other.gone", []),
        ("use other; drop table if exists gone", []),
        ("call p(); drop table if exists gone", []),
        ("create table gone (id int); drop table if exists gone", []),
        ("rename table orders to gone; drop table if exists gone", []),
        ("drop database if exists gone", []),
    ],
)
def test_on_mysql_only_its_own_database_is_known(sql: str, absent: list[str]) -> None:
    impact = last(sql, Facts(names=SHOP), MYSQL)
    assert names(impact) == absent
    assert impact.loses == () or absent != ["gone"] or impact.loses == ("the table Orders",)


def test_mariadb_alters_nothing_that_is_not_there() -> None:
    impact = last("alter table if exists gone drop column a", Facts(names=SHOP), MARIADB)
    assert (names(impact), impact.loses, impact.holds) == (["gone"], (), ())
