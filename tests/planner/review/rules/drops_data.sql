-- dialect: mysql mariadb postgresql
-- table: t id int
-- migrate:up
create table fresh (id int);
truncate table t; -- expect: drops-data danger
drop table if exists t; -- expect: drops-data danger
-- migrate:down
drop table fresh;
drop table t; -- expect: drops-data info/-/danger
