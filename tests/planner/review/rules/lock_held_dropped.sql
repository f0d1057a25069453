-- dialect: postgresql
-- table: t id int, n int
-- table: other id int, n int
-- What is dropped no session waits for; a dropped index leaves a table that is closed.
-- migrate:up
alter table other add column m int;
drop table other; -- expect: drops-data danger
drop view v;
drop materialized view m;
update t set n = 1; -- expect: writes-every-row info/warning/danger
create view v as select n from t;
-- migrate:down
drop index i;
update t set n = 1; -- expect: writes-every-row info/warning/danger, lock-held -/warning/danger
