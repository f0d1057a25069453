"""What a statement of PostgreSQL does to others, held to what was measured (pg_locks.json).

tests/executors/test_lock_facts.py asks a live server the same.
"""

import json
from pathlib import Path

import pytest

from lockgate.planner.database.facts import (
    ColumnFacts,
    ConstraintFacts,
    Facts,
    Layout,
    TableFacts,
)
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.postgresql.locks import LOCKS
from lockgate.planner.reading.postgresql.reader import read, read_all
from lockgate.planner.reading.postgresql.types import keeps_rows
from lockgate.planner.reading.postgresql.weighing.edits import begin
from lockgate.planner.reading.postgresql.weighing.following import follow
from lockgate.planner.reading.postgresql.weighing.weigh import weigh
from lockgate.planner.reading.reading import Object
from lockgate.planner.reading.sizes import find_table

MEASURED = json.loads((Path(__file__).parent / "pg_locks.json").read_text())
TYPES = {"a": "integer", "b": "integer", "v": "character varying(50)", "ts": "timestamp"}
COLUMNS = {name: ColumnFacts(kind, True) for name, kind in TYPES.items()}
KNOWN = Facts({"t": TableFacts("heap", 10, 8192, COLUMNS)})
# A relation that the statement makes or gives another name, one that it drops (its name is gone
# when the locks are read), and a tablespace where the table lies already.
OTHERWISE = {
    "alter table t rename to t9": ({"t": "ACCESS EXCLUSIVE"}, []),
    "create view v1 as select * from t": ({}, []),
    "drop table t": ({"t": "ACCESS EXCLUSIVE"}, []),
    "drop view vv": ({"vv": "ACCESS EXCLUSIVE"}, []),
    "drop index tix": ({"tix": "ACCESS EXCLUSIVE"}, []),
    "truncate t": ({"t": "ACCESS EXCLUSIVE"}, []),
    "alter table t set tablespace pg_default": ({"t": "ACCESS EXCLUSIVE"}, ["t"]),
    # Measured in another time zone than UTC.
    "alter table t alter ts type timestamptz": ({"t": "ACCESS EXCLUSIVE"}, []),
}


def impact(sql: str, facts: Facts = KNOWN) -> Impact:
    return weigh(read(sql), facts)


def spelled(mode: str) -> str:
    """`Share,AccessExclusive` by the strongest, as the manual spells it."""
    names = {lock.replace(" ", "").lower(): lock for lock in LOCKS}
    found = [names[one.lower()] for one in mode.split(",")]
    return max(found, key=list(LOCKS).index)


def measured(sql: str) -> tuple[dict[str, str], list[str]]:
    """The strongest lock by table, and the tables whose rows are written anew."""
    if sql in OTHERWISE:
        return OTHERWISE[sql]
    locks, rewritten = MEASURED[sql]
    tables = {"t", "mv"} & set(rewritten.removeprefix("REWRITE ").split(","))
    return {name: spelled(mode) for name, mode in locks}, sorted(tables)


@pytest.mark.parametrize("sql", [sql for sql, found in MEASURED.items() if len(found) == 2])
def test_locks_and_rewrites_are_those_that_were_measured(sql: str) -> None:
    found = impact(sql)
    locks = {one.on.name: one.lock for one in found.holds}
    rewrites = sorted(one.on.name for one in found.holds if one.work == "rewrite")
    assert (locks, rewrites) == measured(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "create trigger g before insert on t for each row execute function f()",
        "drop trigger g on t",
        "create policy p on t",
        "drop policy if exists p on t",
        "create rule r as on delete to t do instead nothing",
        "drop rule r on t",
    ],
)
def test_what_belongs_to_a_table_alters_it(sql: str) -> None:
    effect = impact(sql).reading
    assert (effect.verb, effect.objects) == ("alter", (Object("table", "t"),))


@pytest.mark.parametrize(
    "sql",
    [
        "vacuum t",
        "create index concurrently on t (a)",
        "drop index concurrently tix",
        "reindex table concurrently t",
        "alter table pt detach partition pp concurrently",
        "create database d",
        "alter system set work_mem = '1MB'",
    ],
)
def test_what_the_server_refuses_in_a_transaction_is_known(sql: str) -> None:
    assert impact(sql).reading.outside_only


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("drop table a, s.b", ("the table a", "the table s.b")),
        ('alter table "T" drop column if exists b, drop constraint c', ("the column T.b",)),
        ("truncate only a, b restart identity", ("every row of a", "every row of b")),
        ("truncate a cascade", ("every row of a", "every row of the tables that refer to them")),
        ("delete from a", ("every row of a",)),
        ("drop schema x cascade", ("the schema x",)),
        ("drop schema x", ()),
        ("delete from a where id = 1", ("rows of a",)),
        ("drop view v", ()),
        ("with old as (select 1) delete from a", ("every row of a",)),
    ],
)
def test_what_is_lost_is_named(sql: str, loses: tuple[str, ...]) -> None:
    assert impact(sql).loses == loses


@pytest.mark.parametrize(
    "sql",
    [
        "alter table t add column n int default coalesce(1, 2)",
        "alter table t add column n varchar(10) default 'x'::varchar(10) not null",
        "alter table t add column n timestamptz default now()",
        "alter table t alter column v set data type varchar(60)",
        "alter table other add column n numeric(10, 2) default 0",
    ],
)
def test_what_needs_no_rewrite_is_said_to_need_none(sql: str) -> None:
    assert [one.work for one in impact(sql).holds] == ["none"]


def test_what_the_sql_does_not_tell_is_said_to_be_uncertain() -> None:
    for sql in ("alter table x alter c type bigint", "alter table t add n int default mine()"):
        (hold,) = impact(sql, Facts()).holds
        assert (hold.work, hold.certain) == ("rewrite", False)


def test_an_update_without_a_condition_is_one_of_every_row() -> None:
    assert impact("update t set a = (select 1 where true)").reading.every_row
    assert not impact("update t set a = 1 where b = 2").reading.every_row


@pytest.mark.parametrize(
    ("old", "new", "keeps"),
    [
        ("text", "varchar", True),
        ("text", "varchar(10)", False),
        ("numeric(10,2)", "numeric(12,2)", True),
        ("numeric(10,2)", "numeric(12,3)", False),
        ("numeric(10,2)", "numeric", True),
        ("timestamp(3) without time zone", "timestamp", True),
        ("cidr", "inet", True),
        ("integer", "integer", True),
        ("character(5)", "character(9)", False),
        ("mood", "text", False),
    ],
)
def test_a_type_change_keeps_rows_as_the_manual_says(old: str, new: str, keeps: bool) -> None:
    assert keeps_rows(old, new) is keeps


@pytest.mark.parametrize(
    "sql",
    [
        "lock t in some mode",
        "alter table",
        "alter table t add",
        "create index",
        "drop",
        "comment on column",
        "with",
        "with m as (",
        "with m as (select",
        "insert into t (",
        "insert into t as",
        "insert into t ((",
        "create table t as",
        "create table t as ((",
        "create materialized view v as (",
        "vacuum (full",
    ],
)
def test_nothing_that_can_be_cut_makes_the_reader_fail(sql: str) -> None:
    impact(sql)


BIG = TableFacts("heap", 5_000_000, 1 << 33, {"id": ColumnFacts("integer", True)}, schema="a")
EMPTY = TableFacts("heap", 0, 8192, {"id": ColumnFacts("bigint", True)}, schema="public")
TWO_SCHEMAS = Facts({"big": EMPTY, "a.big": BIG})


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("select 1", EMPTY),
        ("set search_path = a", BIG),
        ("set local search_path = nowhere, a, public", BIG),
        ("select set_config('search_path', 'public, a', true)", EMPTY),
        ("select set_config('search_path', 'a' || '', true)", None),
        ("set search_path = nowhere", None),
    ],
)
def test_a_table_is_the_one_that_the_search_path_leads_to(
    before: str, found: TableFacts | None
) -> None:
    *_, altered = read_all([before, "alter table big alter id type bigint"])
    assert find_table(altered.objects[0], TWO_SCHEMAS) is found
    works = {EMPTY.rows: "none", BIG.rows: "rewrite"}
    (hold,) = weigh(altered, TWO_SCHEMAS).holds
    assert hold.work == (works[found.rows] if found else "rewrite")
    assert hold.certain is (found is not None)


def test_a_schema_that_is_named_is_no_other() -> None:
    assert find_table(Object("table", "big", "a"), TWO_SCHEMAS) is BIG
    assert find_table(Object("table", "big", "public"), TWO_SCHEMAS) is EMPTY
    assert find_table(Object("table", "big", "b"), TWO_SCHEMAS) is None


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("alter table t alter v type varchar(1) using left(v, 1)", True),
        ("alter table t alter v type varchar(1) using v::varchar(1)", True),
        ("alter table t alter v type varchar(1)", False),
        ("alter table t alter v type text using v::text", False),
        ("alter table t alter ts type date", True),
        ("alter table t alter ts type timestamp(0)", True),
        ("alter table t alter a type bigint using a", False),
        ("alter table t alter a type text using a || ''", True),
    ],
)
def test_a_new_type_that_cuts_values_loses_them(sql: str, loses: bool) -> None:
    column = sql.split()[4]
    said = [one.partition(": ")[0] for one in impact(sql).loses]
    assert said == ([f"values of the column t.{column}"] if loses else [])
    assert all(one.count(" → ") == 1 for one in impact(sql).loses)


def test_a_statement_that_is_not_read_may_lose_anything() -> None:
    assert impact("create tabel t (a int)").loses


@pytest.mark.parametrize("sql", MEASURED)
def test_a_time_zone_changes_nothing_but_what_a_new_type_does(sql: str) -> None:
    *_, reading = read_all(["set timezone = 'Asia/Tokyo'", sql], transactional=True)
    found, alone = weigh(reading, KNOWN), impact(sql)
    is_same = (found.holds, found.loses) == (alone.holds, alone.loses)
    assert is_same is ("type timestamptz" not in sql)


@pytest.mark.parametrize(
    ("sql", "lock", "blocks"),
    [
        ("REINDEX (CONCURRENTLY) TABLE t", "SHARE UPDATE EXCLUSIVE", "nothing"),
        ("reindex (verbose, concurrently off) table t", "SHARE", "writes"),
        ("refresh materialized view concurrently mv", "EXCLUSIVE", "nothing"),
        ("refresh materialized view mv", "ACCESS EXCLUSIVE", "reads"),
    ],
)
def test_what_works_concurrently_keeps_readers_or_writers_going(
    sql: str, lock: str, blocks: str
) -> None:
    strongest = next(hold for hold in impact(sql).holds if hold.on.name in ("t", "mv"))
    assert (strongest.lock, strongest.blocks) == (lock, blocks)


NOT_NULL = {
    "p_id_not_null": ConstraintFacts("not null", ("id",)),
    "p_pkey": ConstraintFacts("primary", ("id",)),
    "known": ConstraintFacts(
        "check", ("a", "b"), definition="CHECK (((a IS NOT NULL) AND (b > 0)))"
    ),
}
PARTS = {"id": ColumnFacts("integer", False), "a": ColumnFacts("integer", True),
         "b": ColumnFacts("integer", True)}  # fmt: skip
DELETE_SOME = "delete from a where b = 1"
WHOLE = Facts({
    "p": TableFacts("heap", 10, 8192, PARTS, layout=Layout(
        "partitioned", constraints=NOT_NULL, children=("p_1",))),
    "p_1": TableFacts("heap", 10, 8192, PARTS, layout=Layout(
        "table", constraints=NOT_NULL, parents=("p",))),
})  # fmt: skip


@pytest.mark.parametrize(
    ("clauses", "work"),
    [
        ("alter id set not null, drop constraint p_id_not_null", "scan"),
        ("drop constraint p_id_not_null, alter id set not null", "scan"),
        ("alter id set not null, alter id drop not null", "scan"),
        ("add constraint again not null id, drop constraint p_id_not_null", "scan"),
        ("alter a set not null, drop constraint known", "scan"),
        ("alter a set not null, drop column b", "scan"),
        # What the key has required is required without it too.
        ("alter id set not null, drop constraint p_pkey", "none"),
        ("alter id set not null, drop constraint known", "none"),
        ("alter a set not null, drop constraint p_id_not_null", "none"),
    ],
)
def test_what_an_alter_drops_proves_nothing_to_its_other_clauses(clauses: str, work: str) -> None:
    (hold,) = impact(f"alter table p {clauses}", WHOLE).holds
    assert hold.work == work


@pytest.mark.parametrize(
    ("dropped", "column"),
    [("drop constraint p_id_not_null", "id"), ("alter id drop not null", "id"),
     ("drop constraint known", "a"), ("drop column b", "a")],
)  # fmt: skip
def test_what_a_whole_drops_proves_nothing_of_its_parts(dropped: str, column: str) -> None:
    after = follow(read(f"alter table p {dropped}"), begin(WHOLE))
    (hold,) = impact(f"alter table p_1 alter {column} set not null", after).holds
    assert hold.work == "scan"


@pytest.mark.parametrize(
    ("cascades", "lost"),
    [(("delete",), "rows of b (ON DELETE CASCADE of b.a_id)"),
     (("delete", "empty"), "values of b.a_id (ON DELETE SET NULL or DEFAULT)"),
     (("update",), ""), ((), "")],
)  # fmt: skip
def test_what_follows_deleted_rows_is_lost_with_its_key_named(
    cascades: tuple[str, ...], lost: str
) -> None:
    key = ConstraintFacts("foreign", ("a_id",), parent="a", parent_columns=("id",),
                          cascades=cascades)  # fmt: skip
    known = Facts({
        "a": TableFacts("heap", 10, 8192, PARTS, layout=Layout("table", referrers=("b",))),
        "b": TableFacts("heap", 10, 8192, PARTS, layout=Layout("table", constraints={"k": key})),
    })  # fmt: skip
    for sql, own in ((DELETE_SOME, "rows of a"), ("delete from a", "every row of a")):
        assert impact(sql, known).loses == (own, *([lost] if lost else []))
    assert impact("update a set b = 1", known).loses == ()
