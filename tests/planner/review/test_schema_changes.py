"""What a plan changes in the schema: by its SQL, and by its rehearsal."""

from dataclasses import replace

import pytest

from lockgate.planner.plan.plan import Change, Plan, Rehearsal
from lockgate.planner.review.schema_changes import SchemaChange, find_schema_changes
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL, Dialect
from tests.planner.literals import SETTING, migration, up_plan


def planned(sql: str, dialect: Dialect = POSTGRESQL) -> Plan:
    server = replace(SETTING.server, dialect=dialect)
    return up_plan([migration(1, sql)], setting=replace(SETTING, server=server))


def rehearsed(plan: Plan, *changes: Change) -> Plan:
    seen = Rehearsal(server_version="18.6", there_ms=1, changes=changes, expected={})
    return plan.model_copy(update={"rehearsal": seen})


def told(sql: str, dialect: Dialect = POSTGRESQL) -> list[str]:
    """Each change as a line."""
    found = find_schema_changes(planned(sql, dialect))
    return [" | ".join((f"{one.change} {one.object}", *one.lines)) for one in found]


def test_the_clauses_of_a_table_are_one_change_of_it() -> None:
    sql = """
        alter table users add column verified bool not null default false, drop column code;
        create index by_mail on users (email);
        alter table users alter email type varchar(320);
    """
    assert told(sql) == [
        "changed table users | + column verified: bool not null default false | - column code"
        " | + index by_mail (email) | ~ email: type varchar(320)"
    ]


def test_columns_of_mysql_are_told_by_their_definitions() -> None:
    sql = "alter table t add a int, drop b, modify c varchar(9) not null, rename column d to e;"
    assert told(sql, MYSQL) == [
        "changed table t | + column a: int | - column b | ~ column d renamed to e"
        " | ~ column c: varchar(9) not null"
    ]


def test_tables_and_indexes_of_mysql_are_told_by_their_definitions() -> None:
    sql = """
        create table p (id bigint primary key, -- the key
            q  int not null, index by_q (q));
        alter table t add a int unsigned after c, add unique (d), algorithm=inplace, lock=none;
        create index by_a on t (a) algorithm=inplace lock=none;
    """
    assert told(sql, MYSQL) == [
        "added table p | + id bigint primary key | + q int not null | + index by_q (q)",
        "changed table t | + column a: int unsigned after c"
        " | + index: unique (d) | + index: by_a (a)",
    ]


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL])
def test_rights_are_told_by_the_statement_without_its_password(dialect: Dialect) -> None:
    sql = "grant select,\n  update on users to someone; -- for all"
    assert told(sql, dialect) == ["changed rights | ~ grant select, update on users to someone"]
    secret = {POSTGRESQL: "create role r password 'geheim'",
              MYSQL: "create user r identified by 'geheim'"}[dialect]  # fmt: skip
    lines = " ".join(told(secret, dialect))
    assert "geheim" not in lines
    assert "***" in lines


def test_the_text_of_rows_is_not_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned("insert into t values (1);\ngrant select on t to r;")
    looked_at: list[str] = []

    def listen(sql: str, dialect: Dialect) -> str:
        looked_at.append(sql)
        return sql

    monkeypatch.setattr("lockgate.planner.review.schema_changes._in_short", listen)
    find_schema_changes(plan)
    assert looked_at == ["grant select on t to r"]


def test_what_the_plan_makes_and_drops_is_no_change() -> None:
    assert told("create table scratch (a int); alter table scratch add b int;"
                "drop table scratch;") == []  # fmt: skip
    assert told("create table t (a int); create index i on t (a);") == [
        "added table t | + a int4 | + index i (a)"
    ]


def test_what_is_dropped_and_made_again_has_changed() -> None:
    assert told("drop view v; create view v as select 1;") == ["changed view v | ~ columns …"]
    assert told("create or replace view v as select 1;") == ["changed view v | ~ columns …"]


def test_rows_are_told_by_their_table_and_temporary_tables_are_not() -> None:
    sql = "insert into t values (1); create temp table x (a int); update u set a = 1;"
    assert told(sql) == [
        "changed rows in t | ~ insert",
        "changed rows in u | ~ update of every row",
    ]


def test_code_that_was_not_read_and_rights_are_told_as_such() -> None:
    assert told("do $$ begin end $$; grant select on t to bob;") == [
        "changed code that was not read | ~ do",
        "changed rights | ~ grant select on t to bob",
    ]
    both = told("alter table t add a int, owner to bob;")
    assert both[0] == "changed rights | ~ alter table t add a int, owner to bob"
    assert "table t" in both[1]
    assert "column a" in both[1]


def test_what_was_rehearsed_is_shown_as_measured() -> None:
    line = "+column verified: type boolean"
    seen = Change(object="table public.users", change="changed", lines=(line,))
    plan = rehearsed(planned("alter table users add verified bool;"), seen)
    assert find_schema_changes(plan) == (
        SchemaChange("table public.users", "changed", (line,), seen=True),
    )


def test_a_rehearsal_cannot_hide_what_the_sql_says() -> None:
    seen = Change(object="table public.users", change="added")
    plan = rehearsed(planned("create table users (a int); drop table secrets;"), seen)
    assert [(one.object, one.seen) for one in find_schema_changes(plan)] == [
        ("table public.users", True),
        ("table secrets", False),
    ]


def test_an_index_that_a_rehearsed_table_shows_is_not_told_twice() -> None:
    lines = ("-index by_mail: columns email",)
    seen = Change(object="table public.users", change="changed", lines=lines)
    assert len(find_schema_changes(rehearsed(planned("drop index by_mail;"), seen))) == 1
