-- dialect: mysql mariadb
-- table: t id int not null, a int
-- migrate:up
alter table t add column n int; -- expect: unguarded-alter -/-/info
-- migrate:down
create index i on t (a); -- expect: unguarded-alter -/-/info
create index i on t (a) algorithm=inplace lock=none;
drop index i on t; -- expect: unguarded-alter -/-/info
