-- dialect: mysql
-- table: t id int not null, a int
-- migrate:up
-- migrate:online tool=pt-osc
alter table t add column n int; -- expect: needless-copy warning, rebuilds-table info/info/warning
-- migrate:down
-- migrate:online tool=pt-osc
alter table t modify a bigint; -- expect: rebuilds-table info/info/warning
