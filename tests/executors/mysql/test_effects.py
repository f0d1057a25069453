"""What a statement is said to do is what the live servers do: definitions, rows and columns.

Each sample runs on a database of its own making, which is looked at before and after.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT

from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.reading import Reading
from lockgate.planner.sql.dialect import DIALECTS
from tests.executors.rows import execute

BASE = """
create table users (id int primary key auto_increment, name varchar(50) not null,
  email varchar(100), age int, unique key by_email (email));
create table orders (id int primary key, user_id int, total decimal(10,2) default 1, note text,
  key by_total (total), constraint of_user foreign key (user_id) references users (id));
create table legacy (id int primary key, v varchar(20));
create table parts (a int not null, b int) partition by range (a)
  (partition p0 values less than (10), partition p1 values less than (20));
create table `odd``name, (x` (`a b` int, `select` int);
create view names as select id, name from users;
create trigger on_legacy before insert on legacy for each row set new.v = 'x';
create procedure one() select 1;
create function two() returns int deterministic return 2;
create event daily on schedule every 1 day disable do select 1;
insert into users (name, age) values ('ann', 30), ('bob', 40);
insert into orders values (1, 1, 10, 'a'), (2, 2, 20, 'b');
insert into parts values (1, 1), (11, 2);
insert into `odd``name, (x` values (1, 2);
"""
SAMPLES = [
    "create table t (id int primary key, `b,c` int default (1))",
    "create table if not exists t like users",
    "create table t as select id from users",
    "create table t (a int) /*!40000 engine=innodb */ comment='drop table users'",
    "create view v as select 1 as a",
    "create or replace algorithm=merge definer=current_user() sql security invoker view names "
    "as select id from users",
    "create trigger g after update on orders for each row begin declare x int; end",
    "create definer=`root`@`localhost` trigger g before insert on users for each row set new.age=1",
    "create procedure p(a int) begin drop table users; end",
    "create function f(a int) returns int deterministic return a",
    "create event e on schedule every 1 hour disable do delete from users",
    "create index i on orders (note(10))",
    "create unique index `i j` using btree on users (name)",
    "drop index by_total on orders",
    "alter table orders add column a int, add (b int, c int), drop column note",
    "alter table users add `x y` varchar(30) not null default ', drop column age' after name",
    "alter table users modify column name varchar(80) not null comment 'a, b', algorithm=copy",
    "alter table users change name full_name varchar(50) not null",
    "alter table users rename column age to years",
    "alter table orders alter column total set default 7, rename index by_total to i",
    "alter table orders alter total drop default",
    "alter table orders drop foreign key of_user, drop key of_user",
    "alter table orders add constraint positive check (total > 0)",
    "alter table users comment = 'people' row_format=dynamic stats_persistent 1",
    "alter table users auto_increment = 500",
    "alter table users convert to character set latin1",
    "alter table legacy drop primary key, add primary key (id, v)",
    "alter table legacy rename to old",
    "alter table `odd``name, (x` drop `select`",
    "alter table parts add partition (partition p2 values less than (30))",
    "alter table parts drop partition p0",
    "alter table parts reorganize partition p0, p1 into (partition q values less than (20))",
    "alter table parts remove partitioning",
    "alter table legacy partition by key (id) partitions 2",
    "alter procedure one comment 'x'",
    "alter event daily rename to weekly",
    "alter view names as select 3 as c",
    "rename table legacy to a, `odd``name, (x` to b",
    "drop table legacy, parts",
    "drop table if exists `odd``name, (x` restrict",
    "drop view names",
    "drop trigger on_legacy",
    "drop procedure one",
    "drop function if exists two",
    "drop event daily",
    "truncate table parts",
    "truncate legacy",
    "insert into users (name) values ('drop table x')",
    "insert ignore into legacy set id = 9",
    "replace into orders values (1, 1, 11, 'c')",
    "insert into legacy select id, name from users on duplicate key update v = 'y'",
    "update users set age = 1, users.email = (select max(note) from orders) where id = 1",
    "update users u set u.age = 2 order by id limit 1",
    "update users u join orders o on o.user_id = u.id set o.total = 3, u.age = 9",
    "delete from orders where id = 1",
    "delete o from orders as o join users u on u.id = o.user_id where u.name = 'bob'",
    "delete from o using orders as o, users where o.user_id = users.id",
    "set @a = 1, session sort_buffer_size = default",
    "create temporary table tmp (id int)",
    "drop temporary table if exists tmp",
    "select * from users, orders",
    "(select 1) union (select 2)",
    "analyze table users, orders",
    "optimize table legacy",
    "do sleep(0)",
    "prepare s from 'drop table users'",
]
MARIADB_SAMPLES = [
    "create sequence s start with 5",
    "alter table users add column if not exists z int, drop column if exists nothing",
    "alter table if exists users wait 5 modify if exists age bigint",
    "create or replace table legacy (id int)",
    "create or replace trigger on_legacy after insert on legacy for each row set @a = 1",
    "create or replace procedure one() select 2",
    "rename table if exists legacy wait 3 to x",
    "set statement max_statement_time = 9 for alter table users drop column age",
    "insert into legacy (id) values (3) returning id",
    "analyze update users set age = 5",
    "update users set age = 5 where id = nextval(counter)",
    "alter table legacy add system versioning",
]
MYSQL_SAMPLES = [
    "with x as (select 1 as id) update users set age = 7 where id in (select id from x)",
    "with x as (select 1 as id), y as (select 2) delete from orders where id in (select * from x)",
    "create view if not exists w as select 1 as a",
    "alter table users alter index by_email invisible, rename column age to years",
    "delete from orders as o where o.id = 1",
    "create table if not exists t (a int) select 1 as a",
]
# They are about an object, and what it shows as its definition stays the same.
QUIET = ("alter table users auto_increment", "create or replace table", "update users set age = 5")
COUNTER = re.compile(r" AUTO_INCREMENT=\d+")
SHOWN = {
    "BASE TABLE": ("table", 1),
    "SYSTEM VERSIONED": ("table", 1),
    "VIEW": ("view", 1),
    "SEQUENCE": ("sequence", 1),
    "TRIGGER": ("trigger", 2),
    "PROCEDURE": ("procedure", 2),
    "FUNCTION": ("function", 2),
    "EVENT": ("event", 3),
}
NAMED = """
select table_type, table_name from information_schema.tables where table_schema = database()
union all select 'TRIGGER', trigger_name from information_schema.triggers
where trigger_schema = database()
union all select routine_type, routine_name from information_schema.routines
where routine_schema = database()
union all select 'EVENT', event_name from information_schema.events where event_schema = database()
"""

Key = tuple[str, str]


class Desk:
    """A database that is made again for each sample."""

    def __init__(self, server: Any, database: str) -> None:
        self.dialect = DIALECTS[server.engine]
        self.connection = server.connect(database, client_flag=CLIENT.MULTI_STATEMENTS)
        self._database = database
        self.is_fresh = False

    def reset(self) -> None:
        """Makes the base tables, and nothing else, where there is something else."""
        if self.is_fresh:
            return
        name = self._database
        self.ask(f"drop database {name}; create database {name} character set utf8mb4; use {name}")
        self.ask(BASE)
        if self.dialect.null_escape:
            self.ask("create sequence counter")

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            rows = list(cursor.fetchall() or ())
            while cursor.nextset():
                pass
        return rows

    def definitions(self) -> dict[Key, str]:
        """What SHOW CREATE says of everything, without the counters."""
        found = {}
        for shown, name in self.ask(NAMED):
            kind, place = SHOWN[shown]
            quoted = name.replace("`", "``")
            (row,) = self.ask(f"show create {kind} `{quoted}`")
            found[kind, name] = COUNTER.sub("", str(row[place]))
        return found

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of each table, in some fixed order."""
        tables = [name for shown, name in self.ask(NAMED) if SHOWN[shown][0] == "table"]
        quoted = {name: name.replace("`", "``") for name in tables}
        return {name: sorted(self.ask(f"select * from `{quoted[name]}`"), key=repr)
                for name in tables}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """A sample, its effect, and the definitions and rows before and after it."""

    sql: str
    effect: Reading
    definitions: tuple[dict[Key, str], dict[Key, str]]
    rows: tuple[dict[str, Any], dict[str, Any]]
    columns: list[str]


@pytest.fixture
def desk(family_server: Any, family_database: str) -> Iterator[Desk]:
    found = Desk(family_server, family_database)
    yield found
    found.connection.close()


@pytest.fixture(scope="module", params=["mysql", "mariadb"])
def seen(request: pytest.FixtureRequest) -> Iterator[list[Seen]]:
    """Every sample, run once for all tests of this file."""
    server = request.getfixturevalue(f"{request.param}_server")
    database = server.new_database()
    desk = Desk(server, database)
    yield [run(desk, sql) for sql in samples(desk)]
    desk.connection.close()
    server.drop_database(database)


def differing(before: dict[Any, Any], after: dict[Any, Any]) -> set[Any]:
    """The keys that came, went or have another value."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def claimed(effect: Reading) -> set[Key]:
    """The definitions that the effect names, and those under the new names."""
    objects = {(one.kind, one.name) for one in effect.objects}
    return objects | {("table", new.name) for _, new in effect.renames}


def follows(effect: Reading, changed: set[Key]) -> set[Key]:
    """What changes with what the effect names: triggers, foreign keys and views of a table."""
    about_tables = any(one.kind == "table" for one in effect.objects)
    names_change = effect.renames or effect.columns_renamed
    with_it = {key for key in changed if key == ("trigger", "on_legacy") and about_tables}
    return with_it | {key for key in changed if names_change and key in
                      (("table", "orders"), ("view", "names"))}  # fmt: skip


def test_a_statement_changes_the_definitions_that_its_effect_names_and_no_other(
    seen: list[Seen],
) -> None:
    for one in seen:
        changed, expected = differing(*one.definitions), claimed(one.effect)
        assert changed - follows(one.effect, changed) <= expected, one.sql
        if one.effect.verb != "other" and not one.sql.startswith(QUIET):
            assert changed >= expected, one.sql


def test_a_statement_writes_the_tables_that_its_effect_names_and_no_other(seen: list[Seen]) -> None:
    for one in seen:
        written = {table.name for table in one.effect.tables_written}
        named = {name for _, name in claimed(one.effect)}
        assert differing(*one.rows) - named <= written, one.sql


def test_an_update_changes_no_column_but_those_that_its_effect_names(seen: list[Seen]) -> None:
    updates = [one for one in seen if one.effect.columns_written]
    assert len(updates) >= 3
    for one in updates:
        pairs = zip(*(rows["users"] for rows in one.rows), strict=True)
        changed = {name for old, new in pairs
                   for name, a, b in zip(one.columns, old, new, strict=True) if a != b}  # fmt: skip
        assert changed <= (one.effect.columns_written or set()), one.sql


def test_what_is_undone_by_a_rollback_is_rows_alone_or_neutral(desk: Desk) -> None:
    desk.reset()
    definitions, rows = desk.definitions(), desk.rows()
    for sql in samples(desk):
        effect = read(sql, desk.dialect)
        if not (effect.is_rows_only or effect.is_neutral):
            continue
        desk.ask("begin")
        desk.ask(sql)
        desk.ask("rollback")
        assert (desk.definitions(), desk.rows()) == (definitions, rows), sql


def samples(desk: Desk) -> list[str]:
    return SAMPLES + (MARIADB_SAMPLES if desk.dialect.null_escape else MYSQL_SAMPLES)


def run(desk: Desk, sql: str) -> Seen:
    """What a sample does to a fresh database."""
    desk.reset()
    definitions, rows = desk.definitions(), desk.rows()
    columns = [row[0] for row in desk.ask("show columns from users")]
    try:
        desk.ask(sql)
    except pymysql.MySQLError as error:
        raise AssertionError(f"the server refuses {sql}: {error}") from error
    effect, after = read(sql, desk.dialect), (desk.definitions(), desk.rows())
    desk.is_fresh = after == (definitions, rows) and effect.verb != "alter"
    return Seen(sql, effect, (definitions, after[0]), (rows, after[1]), columns)


@pytest.mark.parametrize("taker", ["''@'%'", "public"])
def test_who_is_said_to_be_everyone_is(
    family_server: Any, family_database: str, taker: str
) -> None:
    user = family_database[:24]
    accounts = {f"'{user}'@'%'", "''@'%'", *[taker] * (family_server.engine == "mysql")}
    grant = f"grant select on {family_database}.* to {taker}"
    execute(family_server, family_database, "create table t (a int)")
    execute(family_server, None, *(f"create user {one}" for one in accounts), grant)
    try:
        is_given = True
        try:
            with family_server.connect(family_database, user=user, password="") as connection:
                connection.query("select * from t")
        except pymysql.OperationalError:
            is_given = False
        assert bool(read(grant, DIALECTS[family_server.engine]).gives_everyone) == is_given
    finally:
        execute(family_server, None, *(f"drop user {one}" for one in accounts))
