-- dialect: postgresql
-- table: t id int, n int
-- table: other id int, n int
-- What belongs to a table is made and dropped, and the table stays.
-- migrate:up
create trigger g before insert on t for each row execute function f(); -- expect: opaque-code info
create policy p on t; -- expect: reaches-out info
create rule r as on delete to t do instead nothing;
create index on t (n); -- expect: blocks-table info/warning/danger, lock-held -/warning/danger
drop table t; -- expect: drops-data danger
-- migrate:down
drop trigger g on other;
update other set n = 1; -- expect: writes-every-row info/warning/danger, lock-held -/warning/danger
