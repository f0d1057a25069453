-- dialect: postgresql
-- table: t id int, n int
-- table: other id int, n int
-- What works on many rows while an earlier statement's lock shuts others out.
-- migrate:up
update t set n = 1 where id > 5;
alter table t add constraint positive check (n > 0) not valid;
alter table t validate constraint positive; -- expect: lock-held -/warning/danger
update other set n = 2 where id > 5; -- expect: lock-held -/-/warning
update other set n = 2; -- expect: writes-every-row info/warning/danger, lock-held -/warning/danger
insert into other values (1, 2);
create table fresh (id int);
update fresh set id = 2;
create index on other (n); -- expect: blocks-table info/warning/danger, lock-held -/warning/danger
-- migrate:down
drop table fresh;
update other set n = 3 where id > 5;
cluster other using i; -- expect: blocks-table info/warning/danger
cluster other using i; -- expect: blocks-table info/warning/danger
