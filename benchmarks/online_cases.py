"""Changes of a large table that keep its writers out, as they are first written.

Of PostgreSQL `migrate fix` writes the safe form; of MySQL too where the server can do it, and for
the rest the form is a copy by pt-online-schema-change.
"""

from __future__ import annotations

from dataclasses import dataclass

POSTGRESQL_TABLES = """
create table orgs (id int primary key);
create table t (id bigint primary key, n int not null default 0,
    email text default gen_random_uuid()::text, org int default 1, age int default 3);
create table loose (id bigint not null, n int not null default 0);
create unique index loose_id on loose (id);
create table parts (id bigint not null, n int not null default 0,
    day date not null default '2030-01-01') partition by range (day);
create table first_part (id bigint not null, n int not null default 0,
    day date not null default '2030-01-01');
create table rest_part partition of parts default;
create index rest_part_id on rest_part (id);
create index first_part_id on first_part (id);
"""
POSTGRESQL_ROWS = {
    "t": """
insert into orgs values (1);
insert into t (id) select n from generate_series(1, {rows}) n;
analyze
""",
    "loose": """
insert into loose (id) select n from generate_series(1, {rows}) n;
analyze
""",
    "parts": """
insert into parts (id) select n from generate_series(1, {rows}) n;
insert into first_part select n, 0, '2026-01-05' from generate_series(1, {rows}) n;
analyze
""",
}
"""By the table that is written to meanwhile."""
MYSQL_TABLES = """
create table t (id bigint primary key, n int not null default 0, word varchar(20) default 'word',
    email varchar(60) charset utf8mb3 default 'someone@example.com', age int default 3);
"""
MYSQL_ROWS = {
    "t": """
set global innodb_buffer_pool_size = 4294967296;
set global innodb_redo_log_capacity = 4294967296;
set session cte_max_recursion_depth = 10000000;
insert into t (id) with recursive s as (select 1 n union all select n + 1 from s where n < {rows})
select n from s;
analyze table t
"""
}
POSTGRESQL_LOAD = "select count(*) from (select email from t order by email offset 0) sorted"
MYSQL_LOAD = """
set session transaction_isolation = 'READ-COMMITTED';
create table other like t;
insert into other select * from t
"""
"""It copies all rows as a change does, and locks none of those that are written to."""
COPY = "-- migrate:online tool=pt-osc recursion-method=none chunk-time=0.02 sleep=0.1\n"
"""It rests after each chunk: on two cores a copy that does not takes those that writes need."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it is first written; `fixed` is its safe form, empty where `migrate fix` writes
    it. `table` is the one that is written to meanwhile."""

    name: str
    sql: str
    table: str = "t"
    fixed: str = ""


def _copied(name: str, sql: str) -> Change:
    return Change(name, sql, fixed=COPY + sql)


POSTGRESQL = (
    Change("create index", "create index t_email on t (email);"),
    Change("create unique index", "create unique index t_one on t (email);"),
    Change("add check", "alter table t add constraint grown check (age > 0);"),
    Change("add foreign key", "alter table t add constraint t_org foreign key (org) "
           "references orgs;"),
    Change("set not null", "alter table t alter age set not null;"),
    Change("add unique", "alter table t add constraint one_email unique (email);"),
    Change("add primary key", "alter table loose add primary key (id);", "loose"),
    Change("add column with constraints",
           "alter table t add other int references orgs check (other > 0);"),
    Change("add column, other value in each row",
           "alter table t add code uuid not null default gen_random_uuid();"),
    Change("change type", "alter table t alter age type bigint;"),
    Change("attach partition", "alter table parts attach partition first_part "
           "for values from ('2026-01-01') to ('2026-02-01');", "parts"),
    Change("reindex", "reindex table t;"),
    Change("three in one transaction", "create index t_age on t (age);\n"
           "alter table t add constraint old check (age < 200);\n"
           "alter table t alter org set not null;"),
)  # fmt: skip
MYSQL = (
    _copied("int to bigint", "alter table t modify n bigint not null default 0;"),
    _copied("varchar over 255 bytes", "alter table t modify word varchar(300) default 'word';"),
    _copied("number to decimal", "alter table t modify age decimal(12,2) default 3;"),
    _copied("add check", "alter table t add constraint grown check (age > 0);"),
    _copied("add stored column", "alter table t add twice int as (age * 2) stored;"),
    _copied("number to text", "alter table t modify age varchar(20);"),
    _copied("partition", "alter table t partition by hash (id) partitions 4;"),
    Change("two rebuilds", "alter table t modify age int not null default 3;\n"
           "alter table t force;", fixed=COPY + "alter table t modify age int not null default 3;"),
)  # fmt: skip
