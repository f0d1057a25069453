"""What a statement is said to lock and to rewrite is what the live servers lock and rewrite.

PostgreSQL is asked by pg_locks and relfilenode, MySQL and MariaDB by the first ALGORITHM and LOCK
that they accept and by the table's id, which a rebuild changes.
"""

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT

from lockgate.planner.database.facts import ColumnFacts, Facts, TableFacts
from lockgate.planner.reading.mysql.impact import read_impact as read_mysql_impact
from lockgate.planner.reading.postgresql.locks import LOCKS
from lockgate.planner.reading.postgresql.reader import read
from lockgate.planner.reading.postgresql.weighing.weigh import weigh
from lockgate.planner.sql.dialect import DIALECTS

BASE = """
create table par (id int primary key);
create table par2 (a int, b int, v varchar(50), ts timestamp);
create table child (id int references par);
create table t (a int not null, b int, v varchar(50), ts timestamp,
  constraint ck0 check (a > 0) not valid);
create index tix on t (b);
create unique index tpi on t (a);
insert into t select n, n, 'x', now() from generate_series(1, 50) n;
create table pt (id int) partition by range (id);
create table pp (id int);
create table pa partition of pt for values from (5) to (6);
create view vv as select a from par2;
create materialized view mv as select a from par2;
create unique index mvi on mv (a);
create sequence sq;
create type en as enum ('a', 'b');
create function tf() returns trigger language plpgsql as 'begin return new; end';
create trigger tr before insert on t for each row execute function tf();
create policy po on t;
set timezone = 'UTC';
"""
SAMPLES = [
    "alter table t add column n int",
    "alter table t add column n int default 5 not null",
    "alter table t add column n timestamptz default clock_timestamp()",
    "alter table t add column n int generated always as (a + 1) stored",
    "alter table t add column n bigserial, drop column v",
    "alter table t add column n int generated always as identity",
    "alter table t add column n int references par (id)",
    "alter table t drop column ts",
    "alter table t rename column b to bb",
    "alter table t rename to t9",
    "alter table t set schema information_schema",
    "alter table t alter a type bigint",
    "alter table t alter v type varchar(100)",
    "alter table t alter v type varchar(20)",
    "alter table t alter v type text",
    "alter table t alter v type text using v || ''",
    "alter table t alter ts type timestamptz",
    "alter table t alter ts type timestamp(3)",
    "alter table t alter b set not null",
    "alter table t alter b drop not null",
    "alter table t alter b set default 1",
    "alter table t alter b set statistics 10",
    "alter table t alter v set storage external",
    "alter table t add check (a > 0)",
    "alter table t add constraint nn not null b not valid",
    "alter table t validate constraint ck0",
    "alter table t drop constraint ck0",
    "alter table t add foreign key (b) references par (id) not valid",
    "alter table t add unique (b)",
    "alter table t add primary key using index tpi",
    "alter table t set (fillfactor = 80)",
    "alter table t reset (fillfactor)",
    "alter table t set unlogged",
    "alter table t cluster on tpi",
    "alter table t set without cluster",
    "alter table t disable trigger tr",
    "alter table t enable row level security",
    "alter table t replica identity full",
    "alter table t owner to current_user",
    "alter table t inherit par2",
    "alter table pt attach partition pp for values from (1) to (2)",
    "alter table pt detach partition pa",
    "create table fresh (id int references par (id))",
    "create table fresh partition of pt for values from (7) to (8)",
    "create table fresh () inherits (par2)",
    "create index on t (b)",
    "drop index tix",
    "alter index tix rename to tiy",
    "alter index tix set (fillfactor = 80)",
    "reindex table t",
    "reindex index tix",
    "create trigger tg before insert on t for each row execute function tf()",
    "drop trigger tr on t",
    "alter trigger tr on t rename to ts",
    "create policy p on t",
    "drop policy po on t",
    "create rule ru as on insert to t do nothing",
    "truncate t",
    "drop table t cascade",
    "drop view vv",
    "drop materialized view mv",
    "drop sequence sq",
    "alter view vv rename to vw",
    "comment on table t is 'x'",
    "comment on column t.a is 'x'",
    "create statistics on a, b from t",
    "cluster t using tix",
    "refresh materialized view mv",
    "refresh materialized view concurrently mv",
    "lock table t in share row exclusive mode",
    "lock t",
    "analyze t",
    "insert into t (a) values (99)",
    "with x as (select 1) update t set b = 1 where a = 2",
    "delete from t",
    "copy t (a) from program 'echo 98'",
    "alter type en add value 'z'",
    "grant select on t to public",
    "select 1 from t",
]
RELATIONS = (
    "select oid, relname, relfilenode from pg_class where relnamespace = 'public'::regnamespace"
)
HELD = """
select relation, mode from pg_locks
where pid = pg_backend_pid() and locktype = 'relation' and granted and relation = any (%s)
"""
QUIET = ("AccessShareLock", "RowShareLock")
"""Of reads and of checks: they block nothing that matters to a reviewer."""
UNNAMED = {"drop index tix": ("t",), "reindex index tix": ("t",)}
"""The table of an index, which the statement does not name."""
EMPTY_FILES = ("truncate t", "reindex index tix")
"""They have a new file, and not one row in it was written anew."""
COLUMNS = {"a": "integer", "b": "integer", "v": "character varying(50)",
           "ts": "timestamp without time zone"}  # fmt: skip


@pytest.fixture(scope="module")
def postgres(postgres_server: Any) -> Iterator[Any]:
    """A connection to a database that holds the base tables, outside of a transaction."""
    database = postgres_server.new_database()
    with postgres_server.connect(database) as connection:
        connection.execute(BASE)
        yield connection
    postgres_server.drop_database(database)


def look(connection: Any, sql: str) -> tuple[dict[str, str], set[str]]:
    """The strongest lock of each relation, and those with another file, inside the statement's
    transaction, which is then undone."""
    with connection.transaction(force_rollback=True):
        before = {oid: (name, file) for oid, name, file in connection.execute(RELATIONS)}
        connection.execute(sql)
        held = connection.execute(HELD, (list(before),)).fetchall()
        after = connection.execute("select oid, relfilenode from pg_class").fetchall()
    locks: dict[str, str] = {}
    for oid, mode in held:
        name = before[oid][0]
        if mode not in QUIET:
            locks[name] = max(locks.get(name, "ACCESS SHARE"), spelled(mode), key=strength)
    rewritten = {before[oid][0] for oid, file in after if oid in before and before[oid][1] != file}
    return locks, rewritten


def spelled(mode: str) -> str:
    return next(lock for lock in LOCKS if lock.replace(" ", "") == mode[:-4].upper())


def strength(lock: str) -> int:
    return list(LOCKS).index(lock)


def known() -> Facts:
    columns = {name: ColumnFacts(kind, True) for name, kind in COLUMNS.items()}
    return Facts({"t": TableFacts("heap", 50, 8192, columns)})


@pytest.mark.parametrize("sql", SAMPLES)
def test_postgresql_takes_the_locks_that_are_said_and_no_stronger(postgres: Any, sql: str) -> None:
    impact = weigh(read(sql), known())
    said = {one.on.name: one.lock for one in impact.holds}
    locks, rewritten = look(postgres, sql)
    indexes = {"tix", "tpi", "mvi"} - said.keys()
    tables = {name: lock for name, lock in locks.items() if name not in indexes}
    assert said == {name: lock for name, lock in tables.items() if name not in UNNAMED.get(sql, ())}
    work = {one.on.name for one in impact.holds if one.work == "rewrite"}
    assert work == (set() if sql in EMPTY_FILES else rewritten - indexes)


FAMILY_BASE = """
create table p (id int primary key);
create table t (id int primary key auto_increment, a int, b int not null default 1, v varchar(50),
  l varchar(100) character set latin1, w varchar(100), e enum('a', 'b'), x text, z int,
  constraint ck check (a > 0), key ia (a), key ib (b, a),
  constraint fk foreign key (b) references p (id)) engine=innodb collate utf8mb4_general_ci;
create table n (a int, id int not null);
insert into p values (1);
insert into t (a, v) values (1, 'x'), (2, 'y');
"""
FAMILY_TYPES = {"id": "int", "a": "int", "b": "int", "v": "varchar(50)", "l": "varchar(100)",
                "w": "varchar(100)", "e": "enum('a','b')", "x": "text", "z": "int"}  # fmt: skip
ALTERS = [
    "t add column n int",
    "t add column n int not null default 7 first",
    "t add column n int unique",
    "t add column n int check (n > 0)",
    "t add column n int default (1 + 1)",
    "t add column g int as (a + 1) stored",
    "t add column g int as (a + 1) virtual",
    "t add column n int, add index i (v)",
    "t add column (m int, n int)",
    "n add column n int auto_increment unique",
    "t drop column x",
    "t drop column x, add index i (v)",
    "t drop constraint ck",
    "t drop foreign key fk",
    "t modify v varchar(60)",
    "t modify v varchar(100)",
    "t modify w varchar(200)",
    "t modify l varchar(200) character set latin1",
    "t modify l varchar(300) character set latin1",
    "t modify l varchar(100) character set utf8mb4",
    "t modify w varchar(50)",
    "t modify v varchar(50) comment 'x'",
    "t modify v varchar(50) not null",
    "t modify b int null default 1",
    "t modify b int not null default 1 after id",
    "t modify a int first",
    "t modify a bigint",
    "t modify a int default 7",
    "t modify a int unsigned",
    "t modify e enum('a', 'b', 'c')",
    "t modify e enum('c', 'a', 'b')",
    "t modify x mediumtext",
    "t change z zz int",
    "t change z zz bigint",
    "t rename column z to zz",
    "t alter a set default 3",
    "t add index i (v), rename index ia to ic",
    "t rename index ia to ic",
    "t add unique (v)",
    "t add fulltext index f (x)",
    "t drop index ia",
    "n add primary key (id)",
    "t drop primary key, modify id int",
    "t add constraint c2 check (b > 0)",
    "t add constraint f2 foreign key (z) references p (id)",
    "t force",
    "t engine=innodb",
    "t row_format=compressed",
    "t key_block_size=4",
    "t default charset latin1",
    "t comment='x', auto_increment=100",
    "t convert to character set latin1",
]
WAYS = [("instant", "default"), ("inplace", "none"), ("inplace", "shared"), ("copy", "shared")]
ID_TABLE = """
select table_name from information_schema.tables
where table_name in ('INNODB_TABLES', 'INNODB_SYS_TABLES')
"""
IDS = (
    "select group_concat(table_id order by table_id) from information_schema.{} where name like %s"
)


@pytest.fixture(scope="module", params=["mysql", "mariadb"])
def family(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A desk on a database of MySQL or MariaDB."""
    server = request.getfixturevalue(f"{request.param}_server")
    database = server.new_database()
    desk = FamilyDesk(server, database)
    yield desk
    desk.connection.close()
    server.drop_database(database)


class FamilyDesk:
    """A connection, and the base tables made again after each ALTER TABLE that was accepted."""

    def __init__(self, server: Any, database: str) -> None:
        self.dialect = DIALECTS[server.engine]
        self.connection = server.connect(database, client_flag=CLIENT.MULTI_STATEMENTS)
        self._database = database
        (self._ids,) = self.ask(ID_TABLE)[0]

    def ask(self, sql: str, *values: str) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            rows = list(cursor.fetchall() or ())
            while cursor.nextset():
                pass
        return rows

    def first_accepted(self, alter: str) -> tuple[str, str, bool]:
        """The best algorithm and lock that the server accepts, and whether it rebuilt the table."""
        for algorithm, lock in WAYS:
            self.ask("set foreign_key_checks = 0; drop table if exists t, n, p;"
                     f"set foreign_key_checks = 1; {FAMILY_BASE}")  # fmt: skip
            before = self.table_ids()
            try:
                self.ask(f"alter table {alter}, algorithm={algorithm}, lock={lock}")
            except pymysql.MySQLError:
                continue
            return algorithm, lock, self.table_ids() != before
        pytest.fail(f"the server takes no way: {alter}")

    def table_ids(self) -> Any:
        return self.ask(IDS.format(self._ids), f"{self._database}/%")


@pytest.mark.parametrize("alter", ALTERS)
def test_mysql_and_mariadb_alter_in_the_way_that_is_said(family: FamilyDesk, alter: str) -> None:
    columns = {
        name: ColumnFacts(kind, nullable=name not in ("id", "b"), charset=charset(name, kind))
        for name, kind in FAMILY_TYPES.items()
    }
    table = TableFacts("InnoDB", 2, 16384, columns, collation="utf8mb4_general_ci")
    facts = Facts({"t": table}, strict=True)
    (hold,) = read_mysql_impact(f"alter table {alter}", family.dialect, facts).holds
    algorithm, lock, rebuilt = family.first_accepted(alter)
    said = "default" if hold.algorithm == "instant" else hold.lock.lower()
    assert (hold.algorithm, said, hold.work == "rewrite") == (algorithm, lock, rebuilt)


def charset(name: str, kind: str) -> str:
    if not kind.startswith(("varchar", "enum", "text")):
        return ""
    return "latin1" if name == "l" else "utf8mb4"
