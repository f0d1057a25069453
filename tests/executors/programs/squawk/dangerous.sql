-- dialect: postgresql
-- table: t id integer, a integer, v character varying(50)
-- Ten that have brought production down; each of the sources tells how.
-- migrate:up
-- https://squawkhq.com/docs/require-concurrent-index-creation
create index on t (a); -- expect: require-concurrent-index-creation info/warning/danger
-- https://squawkhq.com/docs/changing-column-type
alter table t alter a type bigint; -- expect: changing-column-type info/warning/danger
-- https://squawkhq.com/docs/adding-not-nullable-field
alter table t alter a set not null; -- expect: adding-not-nullable-field info/warning/danger
-- https://squawkhq.com/docs/adding-foreign-key-constraint
alter table t add constraint f foreign key (a) references t (id); -- expect: adding-foreign-key-constraint info/warning/danger, lock-held -/warning/danger
-- https://squawkhq.com/docs/adding-field-with-default
alter table t add column n timestamptz default clock_timestamp(); -- expect: adding-field-with-default info/warning/danger
-- https://squawkhq.com/docs/disallowed-unique-constraint
alter table t add constraint u unique (a); -- expect: disallowed-unique-constraint info/warning/danger
-- https://squawkhq.com/docs/renaming-column
alter table t rename column a to b; -- expect: renaming-column warning
-- https://squawkhq.com/docs/adding-required-field
alter table t add column m int not null; -- expect: adding-required-field danger
-- https://squawkhq.com/docs/ban-drop-column
alter table t drop column v; -- expect: ban-drop-column danger
-- https://www.postgresql.org/docs/current/sql-cluster.html
cluster t using i; -- expect: blocks-table info/warning/danger
-- https://squawkhq.com/docs/ban-drop-table
drop table t; -- expect: ban-drop-table danger
-- migrate:down
drop table t; -- expect: ban-drop-table info/-/danger
