-- dialect: mysql mariadb
-- table: t id int not null, a int
-- migrate:up
alter table t force; -- expect: rebuilds-table info/info/warning, unguarded-alter -/-/info
-- migrate:down
alter table t add primary key (id), algorithm=inplace, lock=none; -- expect: rebuilds-table info/info/warning
optimize table t; -- expect: rebuilds-table info/info/warning
alter table t add column n int, add index i (a), algorithm=inplace; -- expect: rebuilds-table info/info/warning
create table fresh (a int);
alter table fresh force;
