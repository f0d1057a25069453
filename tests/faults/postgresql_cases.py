"""Plans for PostgreSQL over a shop's schema, as literals.

A row that a plan writes never takes its key from a sequence: those are not rolled back.
https://www.postgresql.org/docs/18/functions-sequence.html
"""

from tests.faults.case import Collection, case, migration

BASE = migration(
    "000_base",
    "create type mood as enum ('sad', 'ok')",
    "create table customers (id int primary key, email text not null unique, name text, "
    "mood mood default 'ok')",
    "create table products (id int primary key, name text not null, price numeric(8, 2) not null "
    "check (price >= 0), tags text[])",
    "create table orders (id int primary key, customer_id int not null references customers "
    "on delete cascade, placed_at timestamptz not null default '2026-01-01', total numeric(10, 2))",
    "create table items (order_id int references orders on delete cascade, "
    "product_id int references products, quantity int not null default 1, "
    "primary key (order_id, product_id))",
    "create table log (id bigint generated always as identity primary key, line text)",
    "create index orders_by_customer on orders (customer_id)",
    "create function touch() returns trigger language plpgsql as $$ begin "
    "insert into log (line) values (tg_op); return new; end $$",
    "create trigger orders_touch after update on orders for each row execute function touch()",
    "create view big_orders as select * from orders where total > 100",
    "create view big_spenders as select c.id, c.name from customers c join big_orders o "
    "on o.customer_id = c.id",
    "create table events (id int, day date not null, primary key (id, day)) partition by range "
    "(day)",
    "create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01')",
    "insert into customers (id, email, name) "
    "select n, 'c' || n || '@example.com', 'customer ' || n from generate_series(1, 20) n",
    "insert into products select n, 'product ' || n, n, array['tag'] from generate_series(1, 10) n",
    "insert into orders select n, 1 + n % 20, '2026-01-02', n * 10 from generate_series(1, 30) n",
    "insert into items select 1 + n % 30, 1 + n % 10, n from generate_series(1, 30) n",
    "insert into events select n, '2025-05-05' from generate_series(1, 5) n",
)

CASES = (
    case(
        "one_table",
        migration(
            "001_invoices",
            "create table invoices (id int primary key, order_id int references orders)",
            down=("drop table invoices",),
        ),
    ),
    case(
        "two_tables_with_foreign_keys_both_ways",
        migration(
            "001_teams",
            "create table teams (id int primary key, captain_id int)",
            "create table players (id int primary key, team_id int references teams)",
            "alter table teams add constraint teams_captain foreign key (captain_id) "
            "references players deferrable initially deferred",
            "insert into teams values (1, 1)",
            "insert into players values (1, 1)",
            down=(
                "alter table teams drop constraint teams_captain",
                "drop table players",
                "drop table teams",
            ),
        ),
    ),
    case(
        "column_with_backfill",
        migration(
            "001_score",
            "alter table customers add column score int",
            "update customers set score = id * 2",
            "alter table customers alter column score set not null",
            "create index customers_by_score on customers (score)",
            down=("alter table customers drop column score",),
        ),
    ),
    case(
        "rename_table_and_column",
        migration(
            "001_rename",
            "alter table products rename to articles",
            "alter table articles rename column name to title",
            "update articles set title = upper(title)",
            down=(
                "update articles set title = lower(title)",
                "alter table articles rename column title to name",
                "alter table articles rename to products",
            ),
        ),
    ),
    case(
        "drop_of_a_table_with_rows",
        migration(
            "001_drop",
            "drop table items",
            "delete from orders where id > 20",
            down=(
                "create table items (order_id int references orders on delete cascade, "
                "product_id int references products, quantity int not null default 1, "
                "primary key (order_id, product_id))",
            ),
        ),
    ),
    case(
        "views_on_views",
        migration(
            "001_views",
            "create view rich as select * from big_spenders where id < 10",
            "create view richest as select max(id) as id from rich",
            "create materialized view counts as select count(*) as n from rich",
            down=(
                "drop materialized view counts",
                "drop view richest",
                "drop view rich",
            ),
        ),
    ),
    case(
        "view_replaced_for_a_type_change",
        migration(
            "001_wider",
            "drop view big_spenders",
            "drop view big_orders",
            "alter table orders alter column total type numeric(14, 4)",
            "create view big_orders as select * from orders where total > 200",
            "create view big_spenders as select c.id from customers c join big_orders o "
            "on o.customer_id = c.id",
            down=(
                "drop view big_spenders",
                "drop view big_orders",
                "alter table orders alter column total type numeric(10, 2)",
                "create view big_orders as select * from orders where total > 100",
                "create view big_spenders as select c.id, c.name from customers c "
                "join big_orders o on o.customer_id = c.id",
            ),
        ),
    ),
    case(
        "triggers",
        migration(
            "001_guard",
            "create function guard() returns trigger language plpgsql as $$ begin "
            "if new.total < 0 then raise exception 'no'; end if; return new; end $$",
            "create trigger orders_guard before insert or update on orders for each row "
            "execute function guard()",
            "alter table orders disable trigger orders_touch",
            "update orders set total = total + 1",
            "alter table orders enable trigger orders_touch",
            down=("drop trigger orders_guard on orders", "drop function guard()"),
        ),
    ),
    case(
        "generated_column",
        migration(
            "001_generated",
            "alter table items add column doubled int generated always as (quantity * 2) stored",
            "create index items_by_doubled on items (doubled)",
            "update items set quantity = quantity + 1",
            down=("alter table items drop column doubled",),
        ),
    ),
    case(
        "partitions",
        migration(
            "001_partitions",
            "create table events_2026 partition of events for values from ('2026-01-01') "
            "to ('2027-01-01')",
            "insert into events values (100, '2026-02-02')",
            "alter table events detach partition events_2025",
            down=(
                "alter table events attach partition events_2025 for values from ('2025-01-01') "
                "to ('2026-01-01')",
                "drop table events_2026",
            ),
        ),
    ),
    case(
        "enum_made_anew",
        migration(
            "001_mood",
            "alter table customers alter column mood drop default",
            "alter type mood rename to mood_old",
            "create type mood as enum ('sad', 'ok', 'happy')",
            "alter table customers alter column mood type mood using mood::text::mood",
            "alter table customers alter column mood set default 'happy'",
            "drop type mood_old",
            "update customers set mood = 'happy' where id < 5",
        ),
    ),
    case(
        "enum_value_added",
        migration("001_value", "alter type mood add value 'happy'"),
        migration("002_table", "create table moods (of mood primary key)"),
    ),
    case(
        "routines",
        migration(
            "001_routines",
            "create function twice(n int) returns int language sql immutable return n * 2",
            "create procedure clean() language plpgsql as $$ begin delete from log; end $$",
            "create or replace function touch() returns trigger language plpgsql as $$ begin "
            "insert into log (line) values (lower(tg_op)); return new; end $$",
            "create aggregate total_of(int) (sfunc = int4pl, stype = int)",
            "call clean()",
            down=(
                "drop aggregate total_of(int)",
                "create or replace function touch() returns trigger language plpgsql as $$ begin "
                "insert into log (line) values (tg_op); return new; end $$",
                "drop procedure clean()",
                "drop function twice(int)",
            ),
        ),
    ),
    case(
        "checks_and_defaults",
        migration(
            "001_checks",
            "alter table items alter column quantity set default 2",
            "alter table items add constraint items_positive check (quantity > 0) not valid",
            "alter table items validate constraint items_positive",
            "alter table products alter column tags set default '{}'",
            "alter table customers alter column name set not null",
            down=(
                "alter table customers alter column name drop not null",
                "alter table products alter column tags drop default",
                "alter table items drop constraint items_positive",
                "alter table items alter column quantity set default 1",
            ),
        ),
    ),
    case(
        "rows_moved",
        migration(
            "001_archive",
            "create table archive (like orders including all)",
            "with gone as (delete from orders where id <= 5 returning *) "
            "insert into archive select * from gone",
            "insert into orders values (1000, 1, '2026-03-03', 5)",
            down=(
                "delete from orders where id = 1000",
                "insert into orders select * from archive",
                "drop table archive",
            ),
        ),
    ),
    case(
        "several_migrations",
        migration("001_a", "create table a (id int primary key)", down=("drop table a",)),
        migration(
            "002_b",
            "alter table a add column note text default 'none'",
            "insert into a values (1, 'one'), (2, 'two')",
            down=("delete from a", "alter table a drop column note"),
        ),
        migration(
            "003_c",
            "create index a_by_note on a (note)",
            "update customers set name = 'changed' where id = 1",
            down=(
                "update customers set name = 'customer 1' where id = 1",
                "drop index a_by_note",
            ),
        ),
    ),
    case(
        "schema_and_grants",
        migration(
            "001_schema",
            "create schema reports",
            "create table reports.daily (day date primary key, n int)",
            "grant select on reports.daily to public",
            "alter table log set schema reports",
            "comment on table reports.daily is 'one row a day'",
            down=(
                "alter table reports.log set schema public",
                "drop table reports.daily",
                "drop schema reports",
            ),
        ),
    ),
    case(
        "copied_rows_and_settings",
        migration(
            "001_settings",
            "set local work_mem = '8MB'",
            "create temporary table scratch (id int) on commit drop",
            "insert into scratch select id from customers",
            "delete from customers where id in (select max(id) from scratch)",
            "create table cache (k text primary key, v jsonb)",
            "insert into cache select name, to_jsonb(products) from products",
            down=("drop table cache",),
        ),
    ),
    case(
        "row_security_and_domain",
        migration(
            "001_security",
            "create domain email as text check (value like '%@%')",
            "alter table customers alter column email type email",
            "alter table customers enable row level security",
            "create policy own on customers using (id > 0)",
            down=(
                "drop policy own on customers",
                "alter table customers disable row level security",
                "alter table customers alter column email type text",
                "drop domain email",
            ),
        ),
    ),
    case(
        "trailing_rows",
        migration(
            "001_rows",
            "insert into customers (id, email) values (101, 'x@example.com')",
            "update products set price = price * 2",
            "delete from items where quantity > 20",
            down=("delete from customers where id = 101", "update products set price = price / 2"),
        ),
    ),
    case(
        "index_built_concurrently",
        migration(
            "001_index",
            "create index concurrently orders_by_total on orders (total)",
            down=("drop index concurrently orders_by_total",),
            outside=True,
        ),
    ),
    case(
        "concurrent_index_between_tables",
        migration("001_a", "create table a (id int primary key)", down=("drop table a",)),
        migration(
            "002_index",
            "create unique index concurrently customers_by_name on customers (name)",
            "drop index concurrently orders_by_customer",
            down=(
                "create index concurrently orders_by_customer on orders (customer_id)",
                "drop index concurrently customers_by_name",
            ),
            outside=True,
        ),
        migration(
            "003_b",
            "insert into a values (1)",
            "create table b (id int references a)",
            down=("drop table b", "delete from a"),
        ),
    ),
)

POSTGRESQL = Collection(
    BASE,
    CASES,
    refused=(
        "insert into lockgate_no_such_table values (1)",
        "insert into customers (id, email) values (1, 'twice@example.com')",
        "select 1 / (id - 1) from customers",
        "create table customers (id int)",
        "alter table orders add constraint lockgate_never check (id < 0)",
    ),
    refused_last=(
        "insert into lockgate_no_such_table values (1)",
        "insert into customers (id, email) values (1, 'twice@example.com')",
    ),
)
