-- dialect: mysql mariadb
-- table: t id int
-- migrate:up
create table a (id int);
create table b (id int);
create index i on a (id);
alter table t add column n int, algorithm=instant;
alter table t add column m int, algorithm=instant; -- expect: several-ddl info
alter table a add column m int;
alter table t add column o int, algorithm=instant;
