-- Migrations of which a plan has nothing to say, however many rows `orders` has.

-- case: new_table
create table invoices (id bigint primary key, order_id int references customers (id), note text);
create index on invoices (order_id);

-- case: index transaction:false
create index concurrently by_total on orders (total);

-- case: column
alter table orders add column paid boolean;

-- case: column_with_default
alter table orders add column state text not null default 'new';

-- case: longer_text
alter table orders alter column note type varchar(100);

-- case: unbounded_text
alter table orders alter column note type text;

-- case: foreign_key_for_later
alter table orders add constraint to_customer
    foreign key (customer_id) references customers (id) not valid;

-- case: validation
alter table orders validate constraint to_customer;

-- case: check_for_later
alter table orders add constraint positive check (total >= 0) not valid;

-- case: default
alter table orders alter column total set default 0;

-- case: nullable
alter table orders alter column customer_id drop not null;

-- case: one_row
update orders set total = 1 where id = 1;

-- case: rows
insert into customers (id) values (100), (101) on conflict do nothing;

-- case: view
create view large_orders as select id from orders where total > 100;

-- case: comment
comment on table orders is 'What customers have bought';

-- case: temporary
create temp table chosen (id int);
create index on chosen (id);
drop table chosen;
