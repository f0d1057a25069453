-- dialect: postgresql
-- table: t id int
-- A name without a schema may be that of any, unless the database has a table of that name.
-- migrate:up transaction:false
create table public.fresh (id int);
create index on fresh (id);
create table archive.t (id int);
create index on t (id); -- expect: blocks-table info/-/danger
create index on archive.t (id);
create table bare (id int);
create index on public.bare (id);
create index on another.fresh (id); -- expect: blocks-table warning
drop table bare;
drop table fresh; -- expect: drops-data danger
