# ruff: noqa: E501 (a sample is one line)
"""What a statement of MySQL and MariaDB does, statement by statement; live servers agree, see
tests/executors/mysql/test_effects.py."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.planner.errors import SplitError
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.sql.dialect import MARIADB, MYSQL, Dialect
from lockgate.planner.sql.statements import split_statements

BOTH = pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda one: one.name)
ANSI = MYSQL.with_server(MYSQL.version, "ANSI_QUOTES")


def of(sql: str, dialect: Dialect = MYSQL) -> Reading:
    return read(sql, dialect)


def names(effect: Reading) -> list[str]:
    """The objects as `kind schema.name`."""
    return [
        f"{one.kind} {one.schema}{'.' if one.schema else ''}{one.name}" for one in effect.objects
    ]


@BOTH
@pytest.mark.parametrize(
    ("sql", "verb", "objects"),
    [
        ("create table t (id int)", "create", ["table t"]),
        ("CREATE TABLE IF NOT EXISTS `a``b`.`c d` LIKE x", "create", ["table a`b.c d"]),
        ("create /* table x */ table -- y\n t # z\n (a int)", "create", ["table t"]),
        ("/*!40101 create table t */ (a int) /*!999999 , nonsense */", "create", ["table t"]),
        ("create or replace algorithm = merge definer=`a`@`%` sql security invoker view s.v as select 1", "create", ["view s.v"]),
        ("create definer = root@localhost trigger g before insert on t for each row set new.a = 1", "create", ["trigger g"]),
        ("create definer=current_user() procedure p() drop table t", "create", ["procedure p"]),
        ("create aggregate function f(a int) returns int return 1", "create", ["function f"]),
        ("create event if not exists e on schedule every 1 day do drop table t", "create", ["event e"]),
        ("create unique index i on s.t (a)", "alter", ["table s.t"]),
        ("create fulltext index `on` on t (a)", "alter", ["table t"]),
        ("drop index i on t algorithm=inplace", "alter", ["table t"]),
        ("alter table t add a int", "alter", ["table t"]),
        ("alter algorithm=merge view v as select 1", "alter", ["view v"]),
        ("alter definer = a@b event e rename to s.f", "alter", ["event e", "event s.f"]),
        ("alter procedure p comment 'x'", "alter", ["procedure p"]),
        ("drop table if exists a, `b.c`, s.d cascade", "drop", ["table a", "table b.c", "table s.d"]),
        ("drop view a, b", "drop", ["view a", "view b"]),
        ("drop trigger if exists s.g", "drop", ["trigger s.g"]),
        ("rename table a to b, b to c", "rename", ["table a", "table b"]),
        ("create user if not exists a, 'b c'@localhost identified by 'x', `d`@'10.%' account lock", "create", ["user a@%", "user b c@localhost", "user d@10.%"]),
    ],
)  # fmt: skip
def test_a_definition_names_its_objects(
    sql: str, verb: str, objects: list[str], dialect: Dialect
) -> None:
    effect = of(sql, dialect)
    assert (effect.verb, names(effect), effect.obstacle) == (verb, objects, "")


@pytest.mark.parametrize(
    ("sql", "on", "to"),
    [
        ("grant execute on procedure p to a, b@localhost with grant option", "p", {"a@%", "b@localhost"}),
        ("grant select (a), insert on *.* to 'a'@'%'", None, {"a@%"}),
        ("grant r to a", None, {"a@%"}),
        ("revoke all on function s.f from a@'::1'", "f", {"a@::1"}),
        ("alter user if exists a identified by 'x', b account lock", None, {"a@%", "b@%"}),
        ("grant select on t to a identified by 'x'", None, set()),
        ("grant select on t to current_user()", None, set()),
        ("grant select on t to a@10.0.0.1", None, set()),
    ],
)  # fmt: skip
@BOTH
def test_rights_are_on_a_routine_and_of_accounts(
    sql: str, on: str | None, to: set[str], dialect: Dialect
) -> None:
    effect = of(sql, dialect)
    assert effect.obstacle
    assert effect.given_to == to
    assert (effect.given_on and effect.given_on.name) == on


def test_double_quotes_name_objects_where_the_mode_says_so() -> None:
    assert names(of('drop table "a b", "c""d"', ANSI)) == ["table a b", 'table c"d']
    assert of('drop table "a b"').obstacle


class TestAlterTable:
    def test_clauses_are_divided_by_the_commas_outside_of_everything(self) -> None:
        effect = of(
            "alter table t add `a,b` varchar(9) default ', drop z', add column (c int, key (c), d "
            "decimal(3,2)), drop if exists e, drop column `f`, drop key k, drop foreign key l"
        )
        assert effect.columns_added == ("a,b", "c", "d")
        assert effect.columns_dropped == ("e", "f")
        assert not effect.changes_primary_key
        assert not effect.obstacle

    def test_a_column_is_redefined_by_the_text_behind_its_name(self) -> None:
        effect = of(
            "alter table t modify a enum('x,y') not null after b, change `c` d int unsigned"
        )
        texts = {name: column.text for name, column in effect.columns_redefined.items()}
        assert texts == {"a": "enum('x,y') not null after b", "c": "int unsigned"}
        assert effect.columns_renamed == (("c", "d"),)
        assert of("alter table t change a a int").columns_renamed == ()

    def test_renames_are_of_columns_or_of_the_table(self) -> None:
        effect = of("alter table s.t rename column a to b, rename index x to y, rename as u")
        assert effect.columns_renamed == (("a", "b"),)
        assert effect.renames == ((Object("table", "t", "s"), Object("table", "u", "s")),)
        assert of("alter table t rename s.u").renames[0][1] == Object("table", "u", "s")

    @pytest.mark.parametrize(
        "clause",
        ["drop primary key", "add primary key (a)", "add a int primary key", "drop index `PRIMARY`",
         "modify a int primary key"],
    )  # fmt: skip
    def test_a_change_of_the_primary_key_is_seen(self, clause: str) -> None:
        assert of(f"alter table t {clause}").changes_primary_key

    def test_table_options_need_no_commas(self) -> None:
        effect = of(
            "alter table t engine = InnoDB auto_increment=9 comment 'engine=x', charset=utf8mb4"
        )
        assert effect.storage_engine == "innodb"
        assert effect.changes_counter
        assert not effect.obstacle

    @pytest.mark.parametrize(
        "clause",
        ["force", "algorithm=inplace, lock=none, add a int", "order by a", "disable keys",
         "alter column a set default (1 + 1), alter b drop default", "alter index i invisible",
         "add constraint c check (a > 1), alter check c not enforced, drop constraint c",
         "add foreign key (a) references p (id) on delete cascade", "partition by hash (a)",
         "add a int partition by key (a) partitions 3", "remove partitioning", "add fulltext (a)",
         "reorganize partition p, q into (partition r values less than (1))", "add unique (a, b)",
         "coalesce partition 2", "analyze partition p, q", "convert to character set utf8mb4",
         "add partition (partition p values in (1, 2))", "rename key a to b"],
    )  # fmt: skip
    def test_these_have_no_obstacle(self, clause: str) -> None:
        assert not of(f"alter table t {clause}").obstacle

    @pytest.mark.parametrize(
        "clause",
        ["drop partition p", "truncate partition p, q", "exchange partition p with table t",
         "discard tablespace", "import partition p tablespace", "secondary_load", "union = (a, b)",
         "add system versioning", "drop period for system_time", "with system versioning",
         "convert table u to partition p values in (1)", "data directory = '/x'", "something new",
         "rename to u v", "rename column a b", "modify 'a' int"],
    )  # fmt: skip
    def test_these_have_one(self, clause: str) -> None:
        assert of(f"alter table t {clause}").obstacle
        assert of(f"alter table t add a int, {clause}").obstacle

    def test_ignore_drops_rows(self) -> None:
        assert of("alter ignore table t add unique (a)", MARIADB).obstacle

    def test_mariadb_waits_and_asks(self) -> None:
        effect = of("alter table if exists t wait 5 add column if not exists a int", MARIADB)
        assert effect.conditional
        assert effect.columns_added == ("a",)

    def test_the_parents_whose_rows_change_the_childs_are_named(self) -> None:
        effect = of("create table t (a int references p (id), b int, constraint c foreign key (b) "
                    "references s.`q` (id) on delete set null on update cascade)")  # fmt: skip
        assert effect.cascades_from == (Object("table", "q", "s"),)


class TestRows:
    @pytest.mark.parametrize(
        ("sql", "tables"),
        [
            ("insert into t values (1)", ["t"]),
            ("INSERT LOW_PRIORITY IGNORE t set a = 1", ["t"]),
            ("insert into `s`.`t` (a) select b from u on duplicate key update a = 1", ["s.t"]),
            ("replace into t select * from u", ["t"]),
            ("load data local infile 'into table x' replace into table t fields terminated by ','", ["t"]),
            ("update t as x set x.a = 1", ["t"]),
            ("update t, s.u as v set t.a = v.a where 1", ["t"]),
            ("update t join (select * from w) x on t.a = x.a left join (u, v) using (a) set u.b = 1", ["u"]),
            ("update t, s.u as v set a = v.a where 1", ["t", "s.u"]),
            ("update t join json_table('[]', '$' columns (a int path '$')) j set t.a = 1", ["t"]),
            ("with x as (select 1), y (a) as (select (2)) update t set a = 1", ["t"]),
            ("delete from t where a in (select b from u)", ["t"]),
            ("delete quick from t partition (p) order by a limit 1", ["t"]),
            ("delete a, s.b.* from t as a join s.b where a.x = 1", ["t", "s.b"]),
            ("delete from a using t as a, u", ["t"]),
            ("delete from t returning a", ["t"]),
            ("set statement max_statement_time=1 for delete from t", ["t"]),
        ],
    )  # fmt: skip
    def test_the_tables_that_are_written_are_named(self, sql: str, tables: list[str]) -> None:
        effect = of(sql, MARIADB)
        written = [f"{one.schema}.{one.name}".lstrip(".") for one in effect.tables_written]
        assert (effect.verb, written, effect.objects) == ("write", tables, ())

    @pytest.mark.parametrize(
        ("sql", "columns"),
        [
            ("update t set a = b, `C,d`=(select max(e) from u where f), t.g = default where h = 1", {"a", "C,d", "g"}),
            ("update s.t x set s.t.a := 1 order by b", {"a"}),
            ("update t, u set a = 1", None),
            ("update t for portion of p from 1 to 2 set a = 1", None),
            ("update t partition (p) set a = 1", None),
            ("insert into t set a = 1", None),
        ],
    )  # fmt: skip
    def test_an_update_of_one_table_names_its_columns(
        self, sql: str, columns: set[str] | None
    ) -> None:
        assert of(sql).columns_written == columns

    @pytest.mark.parametrize(
        "sql", ["insert", "update", "delete from", "load index into cache t", "update set a = 1",
                "delete history from t", "insert into 'a' values (1)"],
    )  # fmt: skip
    def test_what_cannot_be_read_has_an_obstacle(self, sql: str) -> None:
        assert of(sql, MARIADB).obstacle

    def test_calls_are_whatever_stands_before_a_parenthesis(self) -> None:
        assert of("update t set a = F(1) where `g h`(2) > 3").calls == {"f", "g h"}
        assert of("alter table t add a varchar(9)").calls == frozenset()
        assert of("create view v as select f(1)").calls == frozenset()
        assert "f" in of("create view v as select f(1)").mentions.calls

    @pytest.mark.parametrize(
        ("sql", "sequences"),
        [
            ("select nextval(a), next value for `B c`, shop.d.nextval", {"a", "b c", "d"}),
            ("insert into t values (NEXTVAL(shop.a), 'nextval(b)', lastval(c))", {"shop.a"}),
            ("update t set a = setval(s, 5)", {"s"}),
            ("create table t (id int default nextval(s))", {"s"}),
            ("select `nextval`(a), previous value for b, next from value", set()),
        ],
    )
    def test_sequences_are_those_whose_next_value_is_asked_for(
        self, sql: str, sequences: set[str]
    ) -> None:
        assert of(sql, MARIADB).mentions.sequences == sequences
        assert of(sql, MYSQL).mentions.sequences == set()

    def test_defaults_are_given_by_what_makes_rows_or_says_so(self) -> None:
        for sql in ("insert into t values (1)", "replace t set a = 1", "load data infile 'a' into "
                    "table t", "update t set a = default", "update t, u set a = default(b)"):  # fmt: skip
            assert of(sql).gives_defaults, sql
        for sql in ("update t set a = 1", "delete from t", "select 1"):
            assert not of(sql).gives_defaults, sql


@pytest.mark.parametrize(
    ("sql", "dialect", "partial"),
    [
        ("analyze table t update histogram on a, b with 4 buckets", MYSQL, False),
        ("analyze local table s.t drop histogram on a", MYSQL, False),
        ("analyze table t persistent for all", MARIADB, False),
        ("analyze table t, u persistent for columns (a) indexes ()", MARIADB, True),
    ],
)
def test_statistics_of_columns_are_not_brought_back(
    sql: str, dialect: Dialect, partial: bool
) -> None:
    effect = of(sql, dialect)
    assert "statistics of columns" in effect.obstacle
    assert effect.partial == partial


@BOTH
@pytest.mark.parametrize(
    "sql",
    ["analyze table t", "analyze no_write_to_binlog tables `histogram`, s.persistent"],
)
def test_estimates_are_no_obstacle(sql: str, dialect: Dialect) -> None:
    assert (of(sql, dialect).verb, of(sql, dialect).obstacle) == ("maintain", "")


class TestSession:
    @pytest.mark.parametrize(
        ("sql", "settings"),
        [
            ("set foreign_key_checks = 0", {"foreign_key_checks": "0"}),
            ("SET SESSION sql_mode='', @@local.Foreign_Key_Checks := off", {"sql_mode": "''", "foreign_key_checks": "off"}),
            ("/*!40014 SET @OLD=@@UNIQUE_CHECKS, `UNIQUE_CHECKS`=0 */", {"unique_checks": "0"}),
            ("set @a = 1, @b = @@global.max_connections", {}),
            ("set names utf8mb4", {}),
            ("set session transaction isolation level serializable", {}),
        ],
    )  # fmt: skip
    def test_the_sessions_variables_are_told(self, sql: str, settings: dict[str, str]) -> None:
        effect = of(sql)
        assert (effect.verb, effect.settings) == ("set", settings)
        assert effect.is_neutral
        assert effect.leaves_session

    @pytest.mark.parametrize(
        "sql",
        ["set global a = 1", "set @b = 2, @@persist.a = 1", "set session a = 1, persist_only b = 2",
         "set password = 'x'", "set default role x to y", "SET @@GLOBAL.a = 1"],
    )  # fmt: skip
    def test_what_lasts_has_an_obstacle(self, sql: str) -> None:
        assert "server" in of(sql).obstacle

    @pytest.mark.parametrize(
        ("sql", "leaves"),
        [
            ("select 1", False),
            ("(select * from t) union (select 2)", False),
            ("with a as (select 1) select * from a", False),
            ("select @a", False),
            ("select @a := 1", True),
            ("select a into @b from t", True),
            ("do 1", False),
            ("show tables", False),
            ("explain update t set a = 1", False),
            ("create temporary table t (a int)", True),
            ("drop temporary table t", True),
            ("prepare s from 'drop table t'", True),
            ("use shop", True),
        ],
    )
    def test_what_changes_nothing_is_neutral(self, sql: str, leaves: bool) -> None:
        effect = of(sql)
        assert effect.is_neutral
        assert (effect.leaves_session, effect.objects) == (leaves, ())

    def test_the_chosen_database_is_told(self) -> None:
        assert of("use `my shop`").chosen_database == "my shop"


@BOTH
@pytest.mark.parametrize(
    "sql",
    ["grant all on *.* to a", "create or replace user a", "create user a default role b, c", "create database d", "drop schema d", "call p()",
     "alter database d charset utf8mb4", "begin not atomic drop table t; end", "flush tables",
     "execute s", "execute immediate 'drop table t'", "create function f returns string soname 'x'",
     "create or replace table t (a int)", "create or replace sequence s", "drop sequence s",
     "create package p as end", "select 1 into outfile '/tmp/x'", "rename user a to b", "kill 1",
     "drop table a b", "drop table", "create table", "alter table", "truncate a, b", "install x",
     "create role r", "if 1 then drop table t; end if", "", ";", "'x'", "alter instance x", "alter",
     "create trigger g before insert", "create", "drop", "rename table a", "select setval(s, 1)"],
)  # fmt: skip
def test_what_lockgate_cannot_undo_has_an_obstacle(sql: str, dialect: Dialect) -> None:
    assert of(sql, dialect).obstacle


PIECES = (
    "alter table t add drop column modify change rename to update set delete from using with as "
    "create or replace temporary view trigger on if not exists index ( ) , . = := @ @a @@global ` "
    "`a` 'x' \" /*!40000 /*!999999 */ /* -- # \n ; $$ 1a .5 engine auto_increment partition "
    "references cascade insert into select truncate where definer algorithm for statement"
)


@BOTH
@settings(deadline=None)
@given(
    words=st.lists(st.sampled_from(PIECES.split(" ")) | st.text(max_size=4), max_size=20),
    ansi=st.booleans(),
)
def test_no_text_that_is_cut_into_statements_breaks_the_reader(
    words: list[str], ansi: bool, dialect: Dialect
) -> None:
    dialect = replace(dialect, ansi_quotes=ansi)
    text = " ".join(words)
    try:
        found = [one.sql for one in split_statements(text, dialect)]
    except SplitError:
        found = []
    for sql in [*found, text]:
        assert read(sql, dialect).verb
