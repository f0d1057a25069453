-- dialect: postgresql
-- table: t id int, n int
-- table: other id int, n int
-- Of how many rows a query works on, the size of no table tells.
-- migrate:up
insert into other select * from t;
alter table t add column m int;
insert into other select * from t; -- expect: lock-held warning
insert into other as o (id, n) select id, n from t on conflict do nothing; -- expect: lock-held warning
insert into other (id) (select id from t); -- expect: lock-held warning
insert into other table t; -- expect: lock-held warning
insert into other with m as (select id from t) select id, 1 from m; -- expect: lock-held warning
with m as (select id from t) insert into other select id, 1 from m; -- expect: lock-held warning
with m as (select id from t) update other set n = 1 from m where m.id = other.id; -- expect: lock-held warning
with m as (delete from t where id = 2 returning id) insert into other values (1, 2); -- expect: lock-held warning, drops-data danger
with m as (update t set n = 2 where id = 2 returning id) select 1; -- expect: lock-held warning
with m as (select id from t) select id from m;
create table made as select * from t; -- expect: lock-held warning
create temp table mine (id) on commit drop as table t; -- expect: lock-held warning
create materialized view v (id) as select id from t; -- expect: lock-held warning
create materialized view w as (select id from t) with no data;
create table empty as select * from t with no data;
create view u as select id from t;
create table from_values as values (1), (2);
insert into other default values;
insert into other (id, n) values (1, 2) on conflict (id) do update set n = 3 where other.n is distinct from 3;
insert into other select 1, 2 where not exists (select 1 from t where id = 1);
insert into other select * from (values (1, 2), (3, 4)) as few (id, n);
with m as (values (1)) insert into other values (1, 2);
with m as (values (1)) update other set n = 1 where id = 1; -- expect: lock-held -/-/warning
