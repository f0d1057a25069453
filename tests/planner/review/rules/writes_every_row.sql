-- dialect: mysql mariadb postgresql
-- table: t id int
-- migrate:up
create table fresh (id int);
update t set id = 1; -- expect: writes-every-row info/warning/danger
update t set id = 1 where id = 2;
update fresh set id = 1;
