-- dialect: mariadb
-- table: t id int
-- migrate:up
create table own (id int);
create or replace table own (id int, n int);
create or replace table t (id int); -- expect: drops-data danger
create or replace view v as select 1;
drop table t;
