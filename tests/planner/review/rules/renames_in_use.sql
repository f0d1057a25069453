-- dialect: mysql mariadb
-- table: t a int
-- migrate:up
create table fresh (a int);
rename table t to u; -- expect: renames-in-use warning
-- migrate:down
alter table u rename column a to b, algorithm=instant; -- expect: renames-in-use warning
alter table t rename to v, algorithm=instant; -- expect: renames-in-use warning
create table fresh (a int);
rename table fresh to other;
