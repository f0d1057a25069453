"""Plans for MySQL and MariaDB over a shop's schema, as literals that both servers take.

Times are written out, so that a plan leaves the same rows whenever it runs.
"""

from tests.faults.case import Collection, case, migration

ITEMS = (
    "create table items (order_id int not null, product_id int not null, "
    "quantity int not null default 1, primary key (order_id, product_id), "
    "constraint items_order foreign key (order_id) references orders (id) on delete cascade, "
    "constraint items_product foreign key (product_id) references products (id))"
)
LOG_TRIGGER = (
    "create trigger orders_touch after update on orders for each row "
    "begin insert into log (line) values ('update'); "
    "if new.total is null then insert into log (line) values ('null'); end if; end"
)
BIG_ORDERS = "create view big_orders as select id, customer_id, total from orders where total > 100"
COUNT_ORDERS = (
    "create function count_orders(who int) returns int reads sql data "
    "return (select count(*) from orders where customer_id = who)"
)

BASE = migration(
    "000_base",
    "create table customers (id int unsigned not null auto_increment primary key, "
    "email varchar(100) not null, name varchar(50), note text, "
    "mood enum('sad', 'ok') not null default 'ok', "
    "changed timestamp not null default current_timestamp on update current_timestamp, "
    "unique key customers_email (email), key customers_name (name)) comment 'who buys'",
    "create table products (id int not null auto_increment primary key, "
    "name varchar(50) not null, price decimal(8, 2) not null, stock int not null default 0, "
    "constraint products_price check (price >= 0))",
    "create table orders (id int not null auto_increment primary key, "
    "customer_id int unsigned not null, placed datetime not null default '2026-01-01 00:00:00', "
    "total decimal(10, 2), key orders_placed (placed), "
    "constraint orders_customer foreign key (customer_id) references customers (id))",
    ITEMS,
    "create table log (id bigint not null auto_increment primary key, line varchar(200))",
    "create table visits (id int not null, day date not null, primary key (id, day)) "
    "partition by range (year(day)) (partition p2024 values less than (2025), "
    "partition p2025 values less than (2026))",
    "create table settings (k varchar(20) not null primary key, v varchar(20))",
    LOG_TRIGGER,
    BIG_ORDERS,
    "create view big_spenders as select c.id, c.name from customers c "
    "join big_orders o on o.customer_id = c.id",
    COUNT_ORDERS,
    "create procedure clean() begin delete from log; end",
    "create event nightly on schedule every 1 day starts '2030-01-01 00:00:00' "
    "do delete from log where id < 0",
    "insert into customers (id, email, name, note, changed) values "
    "(1, 'a@example.com', 'Ann', 'x', '2025-01-01'), (2, 'b@example.com', 'Bob', null, "
    "'2025-01-02'), (3, 'c@example.com', 'Cy', 'long', '2025-01-03'), "
    "(9, 'd@example.com', null, 'gap', '2025-01-04')",
    "insert into products (id, name, price) values (1, 'pen', 1.5), (2, 'ink', 20), (5, 'box', 3)",
    "insert into orders (id, customer_id, total) values (1, 1, 10), (2, 1, 200), (3, 9, 300.5), "
    "(7, 2, null)",
    "insert into items values (1, 1, 3), (2, 2, 1), (3, 1, 1), (3, 5, 2)",
    "insert into log (line) values ('first'), ('second')",
    "insert into visits values (1, '2024-05-05'), (2, '2025-05-05'), (3, '2025-06-06')",
    "insert into settings values ('currency', 'EUR')",
)

CASES = (
    case(
        "one_table",
        migration(
            "001_invoices",
            "create table invoices (id int auto_increment primary key, order_id int, "
            "foreign key (order_id) references orders (id))",
            down=("drop table invoices",),
        ),
    ),
    case(
        "tables_with_foreign_keys_both_ways",
        migration(
            "001_teams",
            "create table teams (id int primary key, captain int)",
            "create table players (id int primary key, team int, "
            "constraint players_team foreign key (team) references teams (id))",
            "alter table teams add constraint teams_captain foreign key (captain) "
            "references players (id)",
            "insert into teams values (1, null), (2, null)",
            "insert into players values (1, 1), (2, 2)",
            "update teams set captain = id",
            down=(
                "alter table teams drop foreign key teams_captain",
                "drop table players",
                "drop table teams",
            ),
        ),
    ),
    case(
        "column_with_backfill",
        migration(
            "001_score",
            "alter table products add column score int",
            "update products set score = id * 2",
            "alter table products modify score int not null",
            "create index products_score on products (score)",
            down=("drop index products_score on products",),
        ),
    ),
    case(
        "renames",
        migration(
            "001_rename",
            "rename table products to articles",
            "alter table articles rename column name to title",
            "alter table articles change stock in_stock int not null default 0",
            "alter table customers rename index customers_name to customers_by_name",
            down=(
                "alter table customers rename index customers_by_name to customers_name",
                "alter table articles change in_stock stock int not null default 0",
                "alter table articles rename column title to name",
                "rename table articles to products",
            ),
        ),
    ),
    case(
        "tables_swapped",
        migration(
            "001_swap",
            "create table settings_new (k varchar(20) not null primary key, v text)",
            "insert into settings_new select k, v from settings",
            "rename table settings to settings_old, settings_new to settings",
            down=(
                "rename table settings to settings_new, settings_old to settings",
                "drop table settings_new",
            ),
        ),
    ),
    case(
        "drop_of_a_table_with_foreign_keys",
        migration("001_drop", "drop table items", down=(ITEMS,)),
    ),
    case(
        "drop_of_tables_with_triggers",
        migration(
            "001_drop",
            "create trigger log_guard before insert on log for each row set new.line = 'x'",
            "create table log2 like log",
            "drop table log, settings",
            "drop table log2",
            "create table settings (name varchar(30) primary key)",
            "insert into settings values ('currency')",
        ),
    ),
    case(
        "views_on_views",
        migration(
            "001_views",
            "create view rich as select id from big_spenders where id < 10",
            "create or replace view big_orders as select id, customer_id, total from orders "
            "where total > 200",
            "create algorithm = merge sql security invoker view richest as select max(id) as id "
            "from rich",
            down=("drop view richest", "drop view rich", "drop view big_orders", BIG_ORDERS),
        ),
    ),
    case(
        "columns_under_views",
        migration(
            "001_total",
            "drop view big_spenders, big_orders",
            "alter table orders modify total decimal(14, 2)",
            "create view big_orders as select id, customer_id, total from orders",
        ),
    ),
    case(
        "triggers",
        migration(
            "001_guard",
            "drop trigger orders_touch",
            "create trigger orders_guard before update on orders for each row "
            "begin if new.total < 0 then set new.total = 0; end if; end",
            LOG_TRIGGER,
            "create trigger orders_twice after update on orders for each row "
            "follows orders_touch insert into log (line) values ('twice')",
            down=("drop trigger orders_twice", "drop trigger orders_guard"),
        ),
    ),
    case(
        "generated_columns",
        migration(
            "001_generated",
            "alter table items add column doubled int as (quantity * 2) stored, "
            "add column tripled int as (quantity * 3) virtual",
            "create index items_doubled on items (doubled, tripled)",
            "alter table customers add column lower_email varchar(100) as (lower(email)) virtual, "
            "add unique key customers_lower (lower_email)",
            down=(
                "alter table customers drop key customers_lower",
                "drop index items_doubled on items",
            ),
        ),
    ),
    case(
        "partitions",
        migration(
            "001_partitions",
            "alter table visits add partition (partition p2026 values less than (2027))",
            "alter table visits reorganize partition p2024, p2025 into "
            "(partition old values less than (2026))",
            "insert into visits values (9, '2026-05-05')",
            "update visits set id = id + 100 where id < 3",
        ),
    ),
    case(
        "partitioning_removed_and_made",
        migration(
            "001_partitioning",
            "alter table visits remove partitioning",
            "alter table log partition by hash (id) partitions 3",
            "alter table visits add column page int",
            down=(
                "alter table log remove partitioning",
                "alter table visits partition by hash (id) partitions 2",
            ),
        ),
    ),
    case(
        "enum_changes",
        migration(
            "001_mood",
            "alter table customers modify mood enum('sad', 'ok', 'happy') not null default 'happy'",
            "alter table customers alter column mood set default 'sad'",
            "alter table customers modify name varchar(80)",
            "update customers set mood = 'happy', changed = changed where id = 1",
        ),
    ),
    case(
        "routines_and_events",
        migration(
            "001_routines",
            "drop function count_orders",
            "create function count_orders(who int) returns int reads sql data "
            "begin declare n int; select count(*) into n from orders where customer_id = who; "
            "return n; end",
            "create procedure sweep(in days int) begin delete from log where id < days; end",
            "alter event nightly comment 'cleans'",
            "create event weekly on schedule every 7 day starts '2031-01-01 00:00:00' do do 1",
            "drop procedure clean",
            down=(
                "create procedure clean() begin delete from log; end",
                "drop event weekly",
                "alter event nightly comment ''",
                "drop procedure sweep",
                "drop function count_orders",
                COUNT_ORDERS,
            ),
        ),
    ),
    case(
        "indexes",
        migration(
            "001_indexes",
            "create index orders_total on orders (total desc, placed)",
            "alter table customers drop key customers_name, add key customers_both (name, email)",
            "create fulltext index customers_note on customers (note)",
            "drop index orders_placed on orders",
            down=(
                "create index orders_placed on orders (placed)",
                "drop index customers_note on customers",
                "alter table customers add key customers_name (name), drop key customers_both",
                "drop index orders_total on orders",
            ),
        ),
    ),
    case(
        "checks_and_defaults",
        migration(
            "001_checks",
            "alter table items add constraint items_positive check (quantity > 0)",
            "alter table products drop constraint products_price, "
            "add constraint products_dear check (price > 0)",
            "alter table products alter column stock set default 5",
            "alter table settings comment 'pairs', alter column v set default 'none'",
            down=(
                "alter table settings comment '', alter column v drop default",
                "alter table products alter column stock set default 0",
                "alter table products drop constraint products_dear, "
                "add constraint products_price check (price >= 0)",
                "alter table items drop constraint items_positive",
            ),
        ),
    ),
    case(
        "foreign_keys_changed",
        migration(
            "001_cascade",
            "alter table items drop foreign key items_order",
            "alter table items add constraint items_order foreign key (order_id) "
            "references orders (id) on delete restrict",
            "alter table orders drop foreign key orders_customer, drop key orders_customer",
            "alter table customers modify id bigint unsigned not null auto_increment",
            "alter table orders modify customer_id bigint unsigned not null",
            "alter table orders add constraint orders_customer foreign key (customer_id) "
            "references customers (id) on update cascade",
        ),
    ),
    case(
        "several_migrations",
        migration("001_a", "create table a (id int primary key)", down=("drop table a",)),
        migration(
            "002_b",
            "alter table a add column note varchar(20) default 'none'",
            "insert into a values (1, 'one'), (2, 'two')",
            down=("drop index a_note on a",),
        ),
        migration(
            "003_c",
            "create index a_note on a (note)",
            "update a set note = 'changed' where id = 1",
            down=("alter table a comment 'leaving'",),
        ),
    ),
    case(
        "trailing_rows_with_counters",
        migration(
            "001_rows",
            "create table notes (id int auto_increment primary key, line text)",
            "insert into notes (line) values ('one'), ('two')",
            "insert into customers (email, changed) values ('new@example.com', '2026-01-01')",
            "update products set price = price * 2",
            "delete from items where quantity = 1",
            down=(
                "drop table notes",
                "delete from customers where email = 'new@example.com'",
                "update products set price = price / 2",
            ),
        ),
    ),
    case(
        "rows_alone",
        migration(
            "001_rows",
            "insert into orders (customer_id, total) select id, 1 from customers",
            "update orders set total = 5 where total is null",
            down=("delete from orders where total = 1",),
        ),
    ),
    case(
        "settings_and_scratch_tables",
        migration(
            "001_scratch",
            "set @limit = 2",
            "create temporary table scratch as select id from customers where id <= @limit",
            "create table kept (id int primary key, why varchar(20))",
            "insert into kept select id, 'kept' from scratch",
            "alter table kept add column done tinyint not null default 0",
            down=("drop table kept",),
        ),
    ),
    case(
        "table_split_in_two",
        migration(
            "001_split",
            "create table addresses (id int auto_increment primary key, "
            "customer_id int unsigned not null, line varchar(100), "
            "constraint addresses_customer foreign key (customer_id) references customers (id))",
            "insert into addresses (customer_id, line) select id, email from customers order by id",
            "alter table customers add column address_id int",
            "alter table customers add constraint customers_address foreign key (address_id) "
            "references addresses (id)",
        ),
        migration(
            "002_view",
            "create view letters as select c.name, a.line from customers c "
            "join addresses a on a.customer_id = c.id",
            "alter table addresses add column country char(2) not null default 'DE' after line",
        ),
    ),
)

FAMILY = Collection(
    BASE,
    CASES,
    refused=(
        "create table customers (id int)",
        "alter table lockgate_no_such_table add column x int",
        "create view lockgate_bad as select nope from customers",
        "alter table orders add constraint lockgate_never check (id < 0)",
        "create unique index lockgate_twice on orders (customer_id)",
        "select * from lockgate_no_such_table",
        "drop table lockgate_no_such_table",
    ),
    refused_last=(
        "insert into log (id, line) values (1, 'twice')",
        "insert into lockgate_no_such_table values (1)",
        "alter table orders add constraint lockgate_never check (id < 0)",
    ),
)
