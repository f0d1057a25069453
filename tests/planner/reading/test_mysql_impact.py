"""What a statement of MySQL and MariaDB does to others, held to what was measured.

my_algorithms.json says the first algorithm and lock that was accepted, by engine;
tests/executors/test_lock_facts.py asks live servers the same.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lockgate.planner.database.facts import ColumnFacts, Facts, ForeignKey, TableFacts
from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.mysql.impact import read_impact
from lockgate.planner.reading.reader import read_impacts
from lockgate.planner.sql.dialect import DIALECTS, MARIADB, MYSQL

MEASURED = json.loads((Path(__file__).parent / "my_algorithms.json").read_text())
STATEMENTS = {
    "add column (last)": "add column n int",
    "add column NOT NULL default": "add n int not null default 5",
    "add column first": "add column n int first",
    "add column default (uuid())": "add column n varchar(36) default (uuid())",
    "add auto_increment column": "add n int auto_increment unique",
    "add stored generated col": "add n int generated always as (a + 1) stored",
    "add virtual generated col": "add n int as (a + 1) virtual",
    "drop column": "drop column b",
    "rename column": "rename column a to c",
    "change type int->bigint": "modify a bigint",
    "varchar 50->100": "modify v varchar(100)",
    "varchar 50->300 (crosses 255 bytes)": "modify v varchar(300)",
    "varchar 50->20": "modify v varchar(20)",
    "null -> not null": "modify a int not null",
    "not null -> null": "modify b int null",
    "set default": "alter a set default 7",
    "add enum value at end": "modify e enum('a', 'b', 'c')",
    "insert enum value in middle": "modify e enum('a', 'c', 'b')",
    "reorder column": "modify a int first",
    "add index": "add index i (a)",
    "add unique index": "add unique key i (a)",
    "add fulltext index": "add fulltext index i (v)",
    "drop index": "drop key i",
    "rename index": "rename index i to j",
    "add primary key": "add primary key (a)",
    "drop primary key": "drop primary key",
    "change primary key": "drop primary key, add primary key (a, b)",
    "add foreign key (checks on)": "add constraint f foreign key (a) references p (id)",
    "drop foreign key": "drop foreign key f",
    "add check": "add constraint c check (a > 0)",
    "convert charset": "convert to character set latin1",
    "default charset only": "default character set = latin1",
    "engine=innodb (rebuild)": "engine=InnoDB",
    "row_format": "row_format=dynamic",
    "rename table": "rename to u",
    "comment": "comment='x'",
    "auto_increment=": "auto_increment = 100",
    "force": "force",
    "column comment": "modify a int comment 'x'",
    "index invisible": "alter index i invisible",
}
COLUMNS = {
    "a": ColumnFacts("int", True),
    "b": ColumnFacts("int", False),
    "v": ColumnFacts("varchar(50)", True, "utf8mb4"),
    "e": ColumnFacts("enum('a','b')", True, "utf8mb4"),
}
KNOWN = Facts({"t": TableFacts("InnoDB", 10, 16384, COLUMNS, collation="utf8mb4_bin")}, strict=True)
FAMILY = pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=lambda one: one.name)


def impact(sql: str, facts: Facts = KNOWN, dialect: str = "mysql") -> Impact:
    return read_impact(sql, DIALECTS[dialect], facts)


@pytest.mark.parametrize("engine", ["mysql", "mariadb"])
@pytest.mark.parametrize("what", STATEMENTS)
def test_the_way_is_the_one_that_was_measured(what: str, engine: str) -> None:
    measured = MEASURED[what][engine]
    (hold,) = impact(f"alter table t {STATEMENTS[what]}", dialect=engine).holds
    lock = "" if hold.algorithm == "instant" else f"/{hold.lock.lower()}"
    if not measured.startswith("ERR"):
        assert hold.algorithm + lock == measured


def test_a_column_that_is_not_known_is_judged_as_the_worst() -> None:
    (hold,) = impact("alter table elsewhere modify a bigint").holds
    assert (hold.algorithm, hold.lock, hold.certain) == ("copy", "SHARED", False)


def test_an_explicit_algorithm_is_what_the_server_holds_to() -> None:
    found = impact("alter table elsewhere modify a int, algorithm=instant")
    assert found.reading.explicit
    assert [one.blocks for one in found.holds] == ["nothing"]
    (hold,) = impact("alter table t add n int, algorithm=copy, lock=exclusive").holds
    assert (hold.algorithm, hold.lock, hold.blocks) == ("copy", "EXCLUSIVE", "reads")
    (hold,) = impact("create index i on t (a) algorithm=inplace lock=shared").holds
    assert (hold.algorithm, hold.lock) == ("inplace", "SHARED")


PARTITIONS = [
    ("drop partition p", "inplace", "NONE", "none"),
    ("add partition (partition p values in (1))", "inplace", "NONE", "none"),
    ("add partition partitions 2", "inplace", "SHARED", "rewrite"),
    ("coalesce partition 2", "inplace", "SHARED", "rewrite"),
    ("reorganize partition p into (partition q values in (1))", "inplace", "SHARED", "rewrite"),
    ("truncate partition p", "instant", "NONE", "none"),
    ("remove partitioning", "copy", "SHARED", "rewrite"),
    ("exchange partition p with table a", "inplace", "SHARED", "scan"),
    ("exchange partition p with table a without validation", "inplace", "NONE", "none"),
]
"""As measured: which partitions have other files afterwards, and who had to wait."""


@pytest.mark.parametrize(("sql", "algorithm", "lock", "work"), PARTITIONS)
@pytest.mark.parametrize("engine", ["mysql", "mariadb"])
def test_partitions_are_rewritten_where_their_rows_move(
    sql: str, algorithm: str, lock: str, work: str, engine: str
) -> None:
    holds = impact(f"alter table t {sql}", dialect=engine).holds
    assert {(one.algorithm, one.lock, one.work) for one in holds} == {(algorithm, lock, work)}
    assert [one.on.name for one in holds] == ["t", *["a"] * ("exchange" in sql)]


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("alter table t exchange partition p with table a", ()),
        ("alter table t truncate partition p", ("the rows of partitions of t",)),
        ("alter table t discard partition p tablespace", ("the rows of partitions of t",)),
        ("alter table t coalesce partition 1", ()),
        ("drop table a, s.b", ("the table a", "the table s.b")),
        ("drop temporary table a", ()),
        ("alter table t drop column a, drop key i", ("the column t.a",)),
        ("alter table t drop partition p0", ("the rows of partitions of t",)),
        ("truncate table t", ("every row of t",)),
        ("delete from t", ("every row of t",)),
        ("delete from t limit 5", ("rows of t",)),
        ("drop database if exists d", ("the database d",)),
        ("drop view v", ()),
        ("alter table t engine = memory", ("every row of t, when the server restarts",)),
        ("alter table t engine = blackhole", ("every row of t",)),
        (
            "create event e on schedule every 1 day do begin delete from u where a < 5; end",
            ("what the event e takes away, whenever it runs",),
        ),
        (
            "alter event s.e do truncate table u",
            ("what the event s.e takes away, whenever it runs",),
        ),
        (
            "create trigger g before delete on t for each row delete from u",
            ("what the trigger g takes away, whenever it runs",),
        ),
        ("create trigger g before delete on t for each row set @a = old.a", ()),
        ("create procedure p() delete from u", ()),
    ],
)
def test_what_is_lost_is_named(sql: str, loses: tuple[str, ...]) -> None:
    assert impact(sql).loses == loses


@FAMILY
@pytest.mark.parametrize(
    ("sql", "commits"),
    [
        ("create table x (a int)", True),
        ("analyze table t", True),
        ("truncate t", True),
        ("grant select on t to u", True),
        ("set autocommit = 1", True),
        ("insert into t values (1)", False),
        ("create temporary table x (a int)", False),
        ("set @a = 1", False),
        ("select 1", False),
    ],
)
def test_what_commits_by_itself_is_known(dialect: object, sql: str, commits: bool) -> None:
    assert read_impact(sql, dialect, KNOWN).reading.commits == ("itself" if commits else "never")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql",
    [
        "alter table t frobnicate 5",
        "alter table t order by a",
        "alter table",
        "create unique index",
        "drop index i",
        "optimize table t, u",
        "alter table t add constraint check (a > 0), add (b int, key k (b)), modify",
    ],
)
def test_nothing_that_can_be_cut_makes_the_reader_fail(sql: str) -> None:
    impact(sql)


KEYS = (ForeignKey("Kids", "T", "fk", ("id",), on_delete=True), ForeignKey("u", "t", "up"))
KID = "rows of Kids, or their references (ON DELETE of fk)"


@pytest.mark.parametrize(
    ("sql", "loses"),
    [("delete from t where a", ("rows of t", KID)), ("delete from t", ("every row of t", KID)),
     ("replace into t values (1)", (KID,)), ("update t set a = 1", ())],
)  # fmt: skip
def test_what_follows_deleted_rows_is_lost_too(sql: str, loses: tuple[str, ...]) -> None:
    assert impact(sql, replace(KNOWN, foreign_keys=KEYS)).loses == loses


def test_what_a_view_loses_is_lost_by_its_table() -> None:
    mentioned = {"v": Mentions(frozenset({"a", "t"})), "w": Mentions(frozenset({"v"}))}
    facts = replace(KNOWN, foreign_keys=KEYS, views=frozenset(mentioned), mentions=mentioned)
    assert impact("delete from w where a", facts).loses == (
        "rows of w", "rows of t (through the view w)", KID)  # fmt: skip
    assert [one.name for one in impact("update w set a = 1", facts).written] == ["t"]


ROUNDED = [
    ("decimal(12,4)", "decimal(12,2)"), ("decimal(5,2)", "int"), ("double", "decimal(10,2)"),
    ("double", "float"), ("bigint", "double"), ("datetime(6)", "datetime"), ("time(3)", "time"),
    ("datetime", "date"), ("varchar(20)", "decimal(5,1)"),
]  # fmt: skip
"""Types, and those whose values a server in strict mode rounds or cuts without an error."""
REFUSED = [
    ("decimal(12,2)", "decimal(8,2)"), ("int", "tinyint"), ("varchar(20)", "varchar(5)"),
    ("bit(8)", "bit(4)"), ("enum('a','b')", "enum('a')"), ("set('a','b')", "set('a')"),
]  # fmt: skip
"""Types, and those that a server in strict mode gives no value that does not fit."""


@pytest.mark.parametrize(("old", "new"), [*ROUNDED, *REFUSED])
def test_what_the_server_rounds_in_strict_mode_is_lost(old: str, new: str) -> None:
    column = ColumnFacts(old, True, "utf8mb4" if old.startswith("varchar") else "")
    facts = Facts({"t": TableFacts("InnoDB", 10, 16384, {"c": column})}, strict=True)
    lost = (f"values of t.c that do not fit {new}",) if (old, new) in ROUNDED else ()
    assert impact(f"alter table t modify c {new}", facts).loses == lost


LENIENT = replace(KNOWN, strict=False)


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("alter table t modify a tinyint", ("values of t.a that do not fit tinyint",)),
        ("alter table t change v w varchar(5)", ("values of t.v that do not fit varchar(5)",)),
        ("alter table t modify a int not null", ("values of t.a that do not fit int not null",)),
        ("alter table t modify A tinyint", ("values of t.A that do not fit tinyint",)),
        ("alter table t modify a bigint", ()),
        (
            "alter table t convert to character set latin1",
            (
                "characters of t.v that latin1 does not have",
                "characters of t.e that latin1 does not have",
            ),
        ),
        ("alter table t convert to character set utf8mb4", ()),
    ],
)
def test_what_the_server_cuts_without_strict_mode_is_lost(sql: str, loses: tuple[str, ...]) -> None:
    assert impact(sql, LENIENT).loses == loses
    assert impact(sql).loses == ()
    (_, after) = read_impacts(["set session sql_mode = ''", sql], DIALECTS["mysql"], KNOWN)
    assert after.loses == loses


FILLED = ("NULL in t.seen, which becomes another value",)


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("alter table t modify seen timestamp not null", FILLED),
        ("alter table t change Seen seen timestamp not null", FILLED),
        ("alter table t drop primary key, add primary key (seen)", FILLED),
        ("alter table t modify seen datetime not null", ()),
        ("alter table t modify seen timestamp null", ()),
        ("alter table t modify a int not null", ()),
    ],
)
def test_mariadb_gives_a_timestamp_the_time_in_place_of_null(
    sql: str, loses: tuple[str, ...]
) -> None:
    """In strict mode too; MySQL refuses it there."""
    known = KNOWN.tables["t"]
    columns = {**known.columns, "seen": ColumnFacts("timestamp", nullable=True)}
    facts = replace(KNOWN, tables={**KNOWN.tables, "t": replace(known, columns=columns)})
    shown = tuple(one.replace("Seen", "seen") for one in impact(sql, facts, "mariadb").loses)
    assert shown == loses
    assert impact(sql, facts, "mysql").loses == ()


@pytest.mark.parametrize(
    "sql",
    [
        "alter ignore table t modify a tinyint",
        "set statement sql_mode = '' for alter table t modify a tinyint",
    ],
)
def test_a_statement_that_is_lenient_by_itself_loses_too(sql: str) -> None:
    assert impact(sql, dialect="mariadb").loses
