-- dialect: mysql mariadb postgresql
-- table: t id int
-- No loss is judged by what is known to be there: what IF NOT EXISTS makes is perhaps old.
-- migrate:up
create table if not exists t (id int);
create table if not exists fresh (id int);
create table own (id int);
drop table t; -- expect: drops-data danger
drop table fresh; -- expect: drops-data danger
drop table own;
-- migrate:down
create table if not exists fresh (id int);
drop table fresh;
