"""What the plan has made itself is no loss; what only has, or had, such a name is one."""

import pytest

from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.review.section import ReviewTerms, follow, read_alone
from lockgate.planner.sql.dialect import DIALECTS, MYSQL, POSTGRESQL, Dialect

MADE = "create table t (a int);"


def lost(dialect: Dialect, *sections: str, options: str = "") -> list[str]:
    """What migrations lose that run one after another, in words."""
    subjects = []
    for number, sql in enumerate(sections, 1):
        text = f"-- migrate:up {options}\n{sql}\n".encode()
        up = parse_sections(read_migration(f"{number}_t.sql", text, dialect), dialect, {}).up
        subjects.append(read_alone(up.statements, "up", up.transactional, ReviewTerms(dialect)))
    return [
        noun
        for subject in follow([(one, None, "") for one in subjects])
        for statement in subject.statements
        for noun in subject.lost_by(statement)
    ]


BOTH = [
    (f"{MADE} drop table t; drop table t;", ["the table t"]),
    (f"{MADE} alter table t rename to t2; alter table kept rename to t; drop table t;",
     ["the table t"]),
    (f"{MADE} drop table t; alter table kept rename to t; drop table t;", ["the table t"]),
    (f"{MADE} alter table t rename to t2; drop table t;", ["the table t"]),
    ("create table s.t (a int); alter table s.t rename to t2; drop table s.t;",
     ["the table s.t"]),
]  # fmt: skip
MYSQLS = [
    ("create temporary table users (a int); drop temporary table users; drop table users;",
     ["the table users"]),
    ("create temporary table users (a int); drop table users; drop table users;",
     ["the table users"]),
    ("create temporary table users (a int); rename table users to u; drop table u;",
     ["the table u"]),
    (f"{MADE} use other; drop table t;", ["the table t"]),
    (f"{MADE} use other; truncate table t;", ["every row of t"]),
    (f"{MADE} rename table t to b, kept to t; drop table t;", ["the table t"]),
    (f"{MADE} drop table own.t; rename table kept to own.t; drop table t;",
     ["the table own.t", "the table t"]),
    (f"{MADE} alter table t exchange partition p with table users; drop table t;",
     ["the table t"]),
    ("alter table users engine=blackhole;", ["every row of users"]),
    ("alter table users discard tablespace;", ["every row of users"]),
    ("alter table users discard partition p tablespace;", ["the rows of partitions of users"]),
]  # fmt: skip
POSTGRESQLS = [
    ("create temp table users (a int); drop table users; drop table users;",
     ["the table users"]),
    ("create schema s; set search_path to s; create table users (a int); "
     "set search_path to public; drop table users;", ["the table users"]),
    (f"{MADE} set local search_path = s; drop table t;", ["the table t"]),
    (f"{MADE} select set_config('search_path', 's', true); drop table t;", ["the table t"]),
    (f"{MADE} select set_config('search_path', s, true) from x; drop table t;", ["the table t"]),
    (f"{MADE} alter table t set schema s; drop table t;", ["the table t"]),
    (f"{MADE} alter table kept set schema s; alter table t set schema s; drop table s.kept;",
     ["the table s.kept"]),
    ("create schema s; alter table users set schema s; drop schema s cascade;",
     ["the schema s"]),
    ("create schema s; set search_path = s, public; create table users (a int); "
     "drop schema s cascade; drop table users;", ["the table users"]),
    (f"{MADE} set role other; drop table t;", ["the table t"]),
    (f"savepoint a; {MADE} rollback to a; drop table t;", ["the table t"]),
    ("create table p (a int) partition by list (a); "
     "alter table p attach partition users default; drop table p;", ["the table p"]),
    ("create table p (a int); alter table users inherit p; drop table p cascade;",
     ["the table p"]),
    (f"{MADE} truncate t cascade;", ["every row of t", "every row of the tables that refer to "
                                     "them"]),
    ("create type k as enum ('a'); alter table users add c k; "
     "drop type k cascade;", ["the type k"]),
]  # fmt: skip

ROWS = [
    (MYSQL, "delete from users where true;", ["every row of users"]),
    (MYSQL, "delete from users where 1=1;", ["every row of users"]),
    (MYSQL, "delete from users where (1 = 1) order by id;", ["every row of users"]),
    (MYSQL, "delete from users where 'a' = 'a';", ["every row of users"]),
    (MYSQL, "delete from users where 1;", ["every row of users"]),
    (MYSQL, "delete from users where 0;", ["rows of users"]),
    (MYSQL, "delete from users where 1 = 2;", ["rows of users"]),
    (MYSQL, "delete from users where 1 = 1 limit 5;", ["rows of users"]),
    (MYSQL, "delete from users where (1 = 1) and id = 1;", ["rows of users"]),
    (MYSQL, "create table if not exists n (a int); create table o (a int); delete from o where a;",
     []),
    (MYSQL, "replace into users values (1);", []),
    (MYSQL, "delete from users where `true`;", ["rows of users"]),
    (POSTGRESQL, "merge into users u using s on true when matched then delete;",
     ["rows of users"]),
    (POSTGRESQL, "merge into users u using s on u.id = s.id when matched and s.gone then delete;",
     ["rows of users"]),
    (POSTGRESQL, "create table q as with x as (delete from users returning *) select * from x;",
     ["every row of users"]),
    (POSTGRESQL, "with x as (delete from users returning *) select * into q from x;",
     ["every row of users"]),
    (POSTGRESQL, "create temp table q as with x as (delete from users returning *) "
     "select * from x; drop table users;", ["every row of users", "the table users"]),
    (POSTGRESQL, "copy (delete from users returning *) to '/tmp/users';", ["every row of users"]),
    (POSTGRESQL, f"{MADE} insert into x select set_config('search_path', 's', true); drop table t;",
     ["the table t"]),
    (POSTGRESQL, f"{MADE} create table x as select set_config('search_path', 's', true); "
     "drop table t;", ["the table t"]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "nouns"), ROWS)
def test_rows_are_lost_however_it_is_written(dialect: Dialect, sql: str, nouns: list[str]) -> None:
    assert lost(dialect, sql) == nouns


@pytest.mark.parametrize(("sql", "nouns"), BOTH)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_name_is_the_plans_own_only_as_long_as_it_leads_to_what_it_made(
    dialect: Dialect, sql: str, nouns: list[str]
) -> None:
    assert lost(dialect, sql) == nouns


@pytest.mark.parametrize(("sql", "nouns"), MYSQLS)
def test_it_is_followed_on_mysql(sql: str, nouns: list[str]) -> None:
    assert lost(MYSQL, sql) == nouns


@pytest.mark.parametrize(("sql", "nouns"), POSTGRESQLS)
def test_it_is_followed_on_postgresql(sql: str, nouns: list[str]) -> None:
    assert lost(POSTGRESQL, sql) == nouns


@pytest.mark.parametrize("rows", ["(a int) on commit drop", "on commit drop as select 1 as a"])
def test_a_table_that_ends_with_its_transaction_excuses_nothing_after_it(rows: str) -> None:
    sql = f"create temp table users {rows}; drop table users;"
    assert lost(POSTGRESQL, sql) == []
    assert lost(POSTGRESQL, sql, options="transaction:false") == ["the table users"]


def test_a_later_section_has_a_session_of_its_own() -> None:
    made = "set search_path to s; create table users (a int);"
    assert lost(POSTGRESQL, made, "truncate users;") == ["every row of users"]
    made = "create temporary table users (a int);"
    assert lost(MYSQL, made, "drop table users;") == ["the table users"]


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        (MYSQL, f"{MADE} rename table t to b, b to c; drop table c;"),
        (MYSQL, f"{MADE} alter table t rename u; drop table u;"),
        (MYSQL, "use d; create table t (a int); drop table d.t;"),
        (MYSQL, "create temporary table t (a int); alter table t rename u; drop table u;"),
        (MYSQL, f"{MADE} create temporary table t (a int); drop table t; drop table t;"),
        (MYSQL, f"{MADE} create table s.t (a int); drop table t; drop table s.t;"),
        (MYSQL, f"{MADE} drop table t; {MADE} drop table t;"),
        (POSTGRESQL, f"{MADE} alter table t rename to u; drop table u;"),
        (POSTGRESQL, f"{MADE} alter table t set schema s; drop table s.t;"),
        (POSTGRESQL, f"set search_path = s, public; {MADE} drop table t;"),
        (POSTGRESQL, f"set search_path = s; {MADE} drop table s.t;"),
        (POSTGRESQL, f"set role r; {MADE} drop table t;"),
        (POSTGRESQL, "create temp table t (a int); truncate t; drop table t;"),
        (POSTGRESQL, f"create schema s; {MADE} alter table t set schema s; drop schema s cascade;"),
    ],
)
def test_what_the_plan_made_is_no_loss_wherever_it_is_moved(dialect: Dialect, sql: str) -> None:
    assert lost(dialect, sql) == []


NEW_INDEXES = [
    "create table t (a int); create index i on t (a); drop index i;",
    "create table t (a int); create index on t (a); drop index t_a_idx;",
    "create table if not exists t (a int); create index i on t (a); alter table t rename to u; "
    "alter table u add column b int; drop index i;",
    "create table t (a int); create index i on t (a); alter index i rename to j; drop index j;",
]


def new(sql: str) -> list[bool]:
    """Whether all that each statement locks is the plan's own."""
    up = parse_sections(
        read_migration("1_t.sql", f"-- migrate:up\n{sql}\n".encode(), POSTGRESQL), POSTGRESQL, {}
    ).up
    alone = read_alone(up.statements, "up", up.transactional, ReviewTerms(POSTGRESQL))
    (subject,) = follow([(alone, None, "")])
    return [
        all(subject.is_new(hold.on, one) for hold in one.impact.holds) for one in subject.statements
    ]


@pytest.mark.parametrize("sql", NEW_INDEXES)
def test_an_index_of_a_table_of_the_plan_s_own_is_its_own_too(sql: str) -> None:
    assert all(new(sql))


def test_an_index_of_a_table_that_was_there_is_used() -> None:
    assert not new("create index i on t (a); drop index i;")[-1]


def test_a_foreign_key_of_a_new_table_keeps_nothing_waiting_for_long() -> None:
    up = "create table t (a int); alter table t add foreign key (a) references users;"
    section = parse_sections(
        read_migration("1_t.sql", f"-- migrate:up\n{up}\n".encode(), POSTGRESQL), POSTGRESQL, {}
    ).up
    alone = read_alone(section.statements, "up", True, ReviewTerms(POSTGRESQL))
    (subject,) = follow([(alone, None, "")])
    assert not any(hold.is_long for hold in subject.statements[1].impact.holds
                   if hold.on.name == "users")  # fmt: skip
