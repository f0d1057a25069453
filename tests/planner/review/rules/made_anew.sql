-- dialect: mysql mariadb postgresql
-- table: t id int
-- What IF NOT EXISTS makes is new only where the table is not there.
-- migrate:up
create table if not exists t (id int);
create table if not exists fresh (id int);
update t set id = 1; -- expect: writes-every-row info/-/danger
update fresh set id = 1;
