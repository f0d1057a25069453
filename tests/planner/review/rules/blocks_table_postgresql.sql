-- dialect: postgresql
-- table: t a integer
-- What squawk does not see, or sees and here did not run.
-- migrate:up
cluster t using i; -- expect: blocks-table info/warning/danger
refresh materialized view t; -- expect: blocks-table info/warning/danger
alter table t set unlogged; -- expect: blocks-table info/warning/danger
create index on t (a); -- expect: blocks-table info/warning/danger, lock-held -/warning/danger
alter table t add column n int default 5;
create table fresh (a int);
create index on fresh (a);
alter table t add constraint c check (a > 0) not valid;
lock table t in exclusive mode;
