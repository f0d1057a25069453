-- dialect: postgresql
-- table: t a integer
-- What squawk cannot read is checked by our own rules.
-- migrate:up
create index on t (a); -- expect: blocks-table info/warning/danger
frobnicate the table; -- expect: not-linted info
drop table t; -- expect: drops-data danger
