-- dialect: postgresql
-- migrate:up
drop view v cascade; -- expect: takes-along info
drop view w;
create view made as select 1;
drop view made cascade;
create table own (id int);
drop table own cascade;
