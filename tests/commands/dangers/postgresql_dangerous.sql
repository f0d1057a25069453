-- Migrations that have hurt people, each with its source. After `expect:` stand the findings with
-- their severity when `orders` has ten rows and when it has a million.

-- case: index
-- https://status.controlshiftlabs.com/incidents/16fpfj40gjrr
create index by_total on orders (total); -- expect: require-concurrent-index-creation info/danger

-- case: foreign_key
-- https://gocardless.com/blog/zero-downtime-postgres-migrations-the-hard-parts/
alter table orders add constraint to_customer foreign key (customer_id) references customers (id); -- expect: adding-foreign-key-constraint info/danger

-- case: wider_type
-- https://gitlab.com/gitlab-org/gitlab/-/issues/327623
alter table orders alter column total type bigint; -- expect: changing-column-type info/danger

-- case: not_null
-- https://malamsyah.com/meditation/lesson-learned-from-db-outage
alter table orders alter column note set not null; -- expect: adding-not-nullable-field info/danger

-- case: volatile_default
-- https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
alter table orders add column seen timestamptz default clock_timestamp(); -- expect: adding-field-with-default info/danger

-- case: unique
-- https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
alter table orders add constraint one_total unique (total); -- expect: disallowed-unique-constraint info/danger

-- case: check
-- https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT
alter table orders add constraint positive check (total >= 0); -- expect: constraint-missing-not-valid info/danger

-- case: truncate_cascade
-- https://aftermath.sh/open-playback/enc_VIaE2nkuLiQAxMQfQ
truncate table orders cascade; -- expect: ban-truncate-cascade danger/danger

-- case: drop_table
-- https://www.aimadetools.com/blog/deleted-production-database-postmortem/
drop table orders; -- expect: ban-drop-table danger/danger

-- case: drop_column
-- https://github.com/ankane/strong_migrations#removing-a-column
alter table orders drop column note; -- expect: ban-drop-column danger/danger

-- case: backfill
-- https://github.com/ankane/strong_migrations#backfilling-data
update orders set total = 0; -- expect: writes-every-row info/danger

-- case: delete_all
-- https://medium.com/socialbakers-engineering/wiping-production-database-in-one-command-4510d1638d3b
delete from orders; -- expect: drops-data danger/danger

-- case: delete_some
-- https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
delete from orders where total < 3; -- expect: drops-data danger/danger

-- case: vacuum_full transaction:false
-- https://www.postgresql.org/docs/current/sql-vacuum.html
vacuum full orders; -- expect: blocks-table info/danger

-- case: rename
-- https://gocardless.com/blog/zero-downtime-postgres-migrations-the-hard-parts/
alter table orders rename column total to amount; -- expect: renaming-column warning/warning

-- case: backfill_under_lock
-- https://github.com/ankane/strong_migrations#backfilling-data
alter table orders add column region varchar(9);
update orders set region = 'eu' where id > 0; -- expect: lock-held -/warning

-- case: validation_under_lock
-- https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
alter table orders add constraint named check (note <> '') not valid;
alter table orders validate constraint named; -- expect: lock-held -/danger
