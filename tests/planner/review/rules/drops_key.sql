-- dialect: postgresql
-- migrate:up
create table fresh (id int primary key);
alter table fresh drop constraint fresh_pkey;
alter table orders drop constraint orders_pkey; -- expect: drops-key warning
alter table orders drop constraint orders_total_check;
alter table lines drop constraint lines_pkey, add primary key using index lines_new;
