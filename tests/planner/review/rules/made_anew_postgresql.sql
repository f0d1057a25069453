-- dialect: postgresql
-- table: t id int
-- migrate:up
create materialized view if not exists t as select 1 as id;
refresh materialized view t; -- expect: blocks-table info/-/danger
create materialized view own as select 1 as id;
refresh materialized view own; -- expect: lock-held warning/-/warning
