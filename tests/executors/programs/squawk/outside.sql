-- dialect: postgresql
-- table: t a integer
-- migrate:up transaction:false
create index concurrently i on t (a);
reindex table t; -- expect: require-concurrent-reindex info/warning/danger
-- migrate:down transaction:false
drop index concurrently i;
