"""Random plans over the base schemas: statements that may fit together, and may not.

One that does not fit makes the plan fail, which is as good a case as any.
"""

from hypothesis import strategies as st

from tests.faults.case import Case, Migration, case

PORTABLE = (
    "create table fresh (id int primary key, note varchar(20))",
    "create table fresh2 (id int primary key, other int references fresh)",
    "insert into fresh values (1, 'one'), (2, 'two')",
    "update fresh set note = 'changed'",
    "drop table fresh",
    "alter table fresh add column more int default 7",
    "alter table fresh rename to renamed",
    "insert into renamed (id) values (9)",
    "alter table products add column weight int",
    "update products set weight = id",
    "alter table products rename column weight to mass",
    "alter table products rename to articles",
    "alter table articles rename to products",
    "create index products_name on products (name)",
    "alter table orders add constraint orders_sane check (total < 100000)",
    "alter table orders alter column total set default 1",
    "create view cheap as select id, name from products where price < 10",
    "create view cheapest as select id from cheap",
    "drop view cheap",
    "drop view big_spenders",
    "drop table items",
    "delete from items where quantity = 1",
    "update orders set total = total + 1",
    "insert into log (line) values ('more')",
    "delete from log",
)

FAMILY = (
    *PORTABLE,
    "alter table products add column (weight int, height int)",
    "alter table customers modify name varchar(90) comment 'longer'",
    "alter table customers modify mood enum('sad', 'ok', 'mad') not null default 'ok' first",
    "rename table orders to sales, products to articles",
    "drop trigger orders_touch",
    "create trigger fresh_guard before insert on fresh for each row set new.note = 'guarded'",
    "drop function count_orders",
    "create or replace view cheap as select name from products",
    "alter table visits add partition (partition p2026 values less than (2027))",
    "alter table log partition by hash (id) partitions 2",
    "alter table items drop foreign key items_order",
    "drop index orders_placed on orders",
    "alter table settings convert to character set utf8mb4 collate utf8mb4_bin",
    "drop table settings, log",
    "alter event nightly disable",
    "alter table orders auto_increment = 500",
)

POSTGRESQL = (
    *PORTABLE,
    "alter table products drop column tags",
    "alter table customers alter column name type varchar(90)",
    "drop trigger orders_touch on orders",
    "create materialized view stock as select id from products",
    "alter type mood add value 'mad'",
    "truncate log",
    "create sequence numbers",
    "drop table orders cascade",
    "alter table events detach partition events_2025",
    "do $$ begin insert into log (line) values ('done'); end $$",
)

GRAMMARS = {"postgresql": POSTGRESQL, "mysql": FAMILY, "mariadb": FAMILY}


def plans(engine: str) -> st.SearchStrategy[Case]:
    """Cases of one or two migrations with one to six statements each."""
    sections = st.lists(st.sampled_from(GRAMMARS[engine]), min_size=1, max_size=6)
    return st.lists(sections, min_size=1, max_size=2).map(_case)


def _case(sections: list[list[str]]) -> Case:
    migrations = (
        Migration(f"{number:03}_random", tuple(section))
        for number, section in enumerate(sections, 1)
    )
    return case("random", *migrations)
