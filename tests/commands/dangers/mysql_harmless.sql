-- Migrations of which a plan has nothing to say, however many rows `orders` has.

-- case: new_table
create table invoices (id bigint primary key, order_id int, note text);
create index by_order on invoices (order_id);
alter table invoices add check (id > 0);

-- case: index
alter table orders add index by_total (total), algorithm=inplace, lock=none;

-- case: drop_index
alter table orders drop index by_customer, algorithm=inplace, lock=none;

-- case: column
alter table orders add column paid boolean, algorithm=instant;

-- case: virtual_column
alter table orders add column twice int as (total * 2) virtual, algorithm=instant;

-- case: default
alter table orders alter column total set default 0, algorithm=instant;

-- case: longer_text
alter table orders modify note varchar(60), algorithm=inplace, lock=none;

-- case: one_row
update orders set total = 1 where id = 1;

-- case: rows
insert ignore into customers (id) values (100), (101);

-- case: view
create view large_orders as select id from orders where total > 100;

-- case: procedure
create procedure nothing() select 1;

-- case: statistics
analyze table orders;

-- case: temporary
create temporary table chosen (id int);
drop temporary table chosen;
