"""What one statement of MySQL and MariaDB does, by one reading of its text."""

from dataclasses import replace

import pytest

from lockgate.planner.database.facts import ColumnFacts
from lockgate.planner.reading.mysql.algorithms import WAYS
from lockgate.planner.reading.mysql.clauses import DROPPED, INDEXES, PARTITION_CHANGES
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.mysql.types import loses, read_type
from lockgate.planner.reading.reading import Object
from lockgate.planner.sql import cursor
from lockgate.planner.sql.dialect import MARIADB, MYSQL, Dialect

BOTH = pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=["mysql", "mariadb"])
T = Object("table", "t")


class TestClauses:
    def test_each_operation_is_a_value_with_what_it_names(self) -> None:
        reading = read(
            "alter table t add a int, add primary key (`x`, y(5)), change b c bigint, "
            "drop key k, engine = InnoDB row_format = dynamic, algorithm=copy, lock = none",
            MYSQL,
        )
        found = [(one.action, one.name, one.columns) for one in reading.clauses]
        assert found == [
            ("add column", "", ()),
            ("add primary key", "", ("x", "y")),
            ("redefine column", "b", ()),
            ("drop index", "k", ()),
            ("change engine", "innodb", ()),
            ("rebuild", "", ()),
            ("algorithm", "copy", ()),
            ("lock", "none", ()),
        ]
        assert {one.table for one in reading.clauses} == {T}
        assert reading.explicit
        assert reading.columns_redefined["b"].type == "bigint"

    @pytest.mark.parametrize(
        ("sql", "actions"),
        [
            ("create index i on t (a)", ["add index"]),
            ("create or replace fulltext index i on t (a)", ["add fulltext index"]),
            ("create unique index i on t (a) algorithm = inplace lock=none",
             ["add index", "algorithm", "lock"]),
            ("drop index `PRIMARY` on t", ["drop primary key"]),
            ("drop index i on t lock exclusive", ["drop index", "lock"]),
            ("alter table t partition by hash (a)", ["partition"]),
            ("alter table t add i int, truncate partition p", ["add column", "truncate partition"]),
            ("alter table t add algorithm int", ["add column"]),
        ],
    )  # fmt: skip
    def test_statements_of_indexes_and_partitions_have_them_too(
        self, sql: str, actions: list[str]
    ) -> None:
        assert [one.action for one in read(sql, MYSQL).clauses] == actions

    @BOTH
    def test_every_operation_has_a_way(self, dialect: Dialect) -> None:
        named = {*INDEXES.values(), *DROPPED.values(), *PARTITION_CHANGES.values()}
        assert named <= WAYS[dialect.name].keys()


class TestSession:
    @pytest.mark.parametrize(
        ("sql", "leaves"),
        [
            ("create table t (a int)", "nothing"),
            ("insert into t values (1)", "nothing"),
            ("create /* x */ temporary table t (a int)", "unknown"),
            ("create or replace temporary table t (a int)", "unknown"),
            ("drop temporary table t", "nothing"),
            ("set @a = 1", "settings"),
            ("SET -- why\n session sql_mode = ''", "settings"),
            ("set names utf8mb4", "settings"),
            ("use shop", "settings"),
            ("set @a = (select 1)", "unknown"),
            ("set @a = @@global.max_connections", "unknown"),
            ("set @a = f()", "unknown"),
            ("set global max_connections = 9", "nothing"),
            ("set a = 1, global b = 2", "unknown"),
            ("set global a = 1, session b = 2", "unknown"),
            ("set @@persist.a = 1, b = 2", "nothing"),
            ("set @a = 1, global max_connections = 9", "unknown"),
            ("set password = 'x'", "nothing"),
            ("prepare s from 'select 1'", "unknown"),
            ("select 1 into @a", "unknown"),
            ("select @a := 1", "unknown"),
            ("select ':=', 'into @a'", "nothing"),
            ("call p()", "nothing"),
            ("call p(@a)", "unknown"),
            ("call p('@a')", "nothing"),
        ],
    )
    def test_what_is_left_in_it_is_told(self, sql: str, leaves: str) -> None:
        assert read(sql, MYSQL).leaves == leaves

    @pytest.mark.parametrize(
        ("sql", "keeps"),
        [
            ("create table t (a int)", True),
            ("create table t as select f()", False),
            ("create table `select` (a int)", False),
            ("alter table t add a int", True),
            ("create temporary table t (a int)", False),
            ("insert into t values (1)", False),
            ("set @a = 1", False),
            ("truncate t", True),
        ],
    )
    def test_what_keeps_it_for_certain_is_known(self, sql: str, keeps: bool) -> None:
        assert read(sql, MYSQL).keeps_session == keeps


class TestFailing:
    @pytest.mark.parametrize(
        ("sql", "mysql", "mariadb"),
        [
            ("create table t (a int)", True, True),
            ("/*!50000 create */ table t (a int)", True, True),
            ("drop table a, b", True, False),
            ("drop /* , */ table a", True, True),
            ("drop view if exists a, b", True, False),
            ("drop temporary table a, b", True, False),
            ("grant select on t to u", True, False),
            ("create user a, b", True, False),
            ("create user a", True, True),
            ("create or replace view v as select 1, 2", True, True),
            ("create or replace procedure p() select 1", True, False),
            ("drop database d", False, False),
            ("set @a = 1", True, True),
            ("insert into t values (1), (1)", False, False),
            ("call p()", False, False),
            ("optimize table t, u", False, False),
            ("load data infile 'a' into table t", False, False),
            ("select 1 into outfile 'a'", False, False),
            ("flush tables", False, False),
        ],
    )
    def test_what_leaves_nothing_of_itself_is_known(
        self, sql: str, mysql: bool, mariadb: bool
    ) -> None:
        assert (read(sql, MYSQL).fails_whole, read(sql, MARIADB).fails_whole) == (mysql, mariadb)

    @pytest.mark.parametrize(
        ("sql", "commits"),
        [
            ("call p()", "may"),
            ("execute s", "may"),
            ("set global a = 1", "itself"),
            ("insert into t values (1)", "never"),
        ],
    )
    def test_code_that_is_not_read_may_commit(self, sql: str, commits: str) -> None:
        assert read(sql, MYSQL).commits == commits


class TestRows:
    @pytest.mark.parametrize(
        ("sql", "every"),
        [
            ("delete from t", True),
            ("with a as (select 1 limit 1) delete from t", True),
            ("delete t from t join (select 1 where 1) u", True),
            ("update t set a = (select b from u where b > 1)", True),
            ("analyze update t set a = 1", True),
            ("update t set a = 1 where b = 2", False),
            ("update t set a = 1 order by b limit 3", False),
            ("delete from a using a join b where a.id = b.id", False),
            ("insert into t select * from u", False),
        ],
    )
    def test_a_change_without_a_condition_is_of_every_row(self, sql: str, every: bool) -> None:
        assert read(sql, MARIADB).every_row == every

    def test_rows_that_are_literals_make_no_difference(self) -> None:
        one = read("insert into t values (1) on duplicate key update a = f(2)", MYSQL)
        many = read(
            f"insert into t values {', '.join(['(1)'] * 999)} on duplicate key update a = f(2)",
            MYSQL,
        )
        assert one == many
        assert "f" in one.calls


def test_a_type_that_values_may_not_fit_is_named_with_its_sign() -> None:
    new = replace(read_type("bigint unsigned"), text="bigint unsigned not null")
    assert loses(ColumnFacts("int", nullable=False), new, "", False, MYSQL) == (
        "a value of int may not fit bigint unsigned"
    )


@BOTH
def test_a_statement_of_too_many_tokens_is_judged_as_the_worst(
    dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "MOST", 100)
    reading = read("select " + "1," * 60 + "1 into outfile '/tmp/a'", dialect)
    assert reading.unread
    assert reading.opaque
    assert reading.obstacle
    assert reading.reaches_out
    assert (reading.commits, reading.leaves, reading.fails_whole) == ("may", "unknown", False)
    assert not read("insert into t values " + ",".join(["(1, 'a')"] * 60), dialect).unread
