-- dialect: mysql mariadb postgresql
-- table: t id int
-- migrate:up
create table fresh (id int);
delete from t; -- expect: drops-data danger
delete from t where id = 1; -- expect: drops-data danger
delete from fresh;
