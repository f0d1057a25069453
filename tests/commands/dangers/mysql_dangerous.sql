-- Migrations that have hurt people, each with its source. After `expect:` stand the findings with
-- their severity when `orders` has ten rows and when it has a million; `-` is no finding.

-- case: wider_type
-- https://querytuning.org/posts/mysql-alter-table-online.html
alter table orders modify total bigint; -- expect: blocks-table info/danger

-- case: foreign_key
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-foreign-key-operations
alter table orders add constraint to_customer foreign key (customer_id) references customers (id); -- expect: blocks-table info/danger

-- case: primary_key
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-primary-key-operations
alter table orders drop primary key; -- expect: blocks-table info/danger

-- case: character_set
-- https://dev.mysql.com/doc/refman/en/alter-table.html#alter-table-character-set
alter table orders convert to character set latin1; -- expect: blocks-table info/danger

-- case: stored_column
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-generated-column-operations
alter table orders add column twice int as (total * 2) stored; -- expect: blocks-table info/danger

-- case: narrower_type
-- https://dev.mysql.com/doc/refman/en/sql-mode.html#sql-mode-strict
alter table orders modify note varchar(10); -- expect: loses-values info/danger, blocks-table info/danger

-- case: rebuild
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-space-requirements.html
optimize table orders; -- expect: rebuilds-table info/warning

-- case: rename
-- https://github.blog/2021-12-01-github-availability-report-november-2021/
rename table orders to orders_old; -- expect: renames-in-use warning/warning

-- case: drop_table
-- https://www.aimadetools.com/blog/deleted-production-database-postmortem/
drop table orders; -- expect: drops-data danger/danger

-- case: drop_column
-- https://github.com/ankane/strong_migrations#removing-a-column
alter table orders drop column note; -- expect: drops-data danger/danger, unguarded-alter -/info

-- case: fulltext
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-index-operations
create fulltext index words on orders (note); -- expect: blocks-table info/danger

-- case: truncate
-- https://dev.mysql.com/doc/refman/en/truncate-table.html
truncate table orders; -- expect: drops-data danger/danger

-- case: delete_all
-- https://medium.com/socialbakers-engineering/wiping-production-database-in-one-command-4510d1638d3b
delete from orders; -- expect: drops-data danger/danger

-- case: delete_some
-- https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html
delete from orders where total < 3; -- expect: drops-data danger/danger

-- case: backfill
-- https://github.com/ankane/strong_migrations#backfilling-data
update orders set total = 0; -- expect: writes-every-row info/danger

-- case: rows_before_ddl
-- https://dev.mysql.com/doc/refman/en/implicit-commit.html
update customers set name = 'x' where id = 1;
alter table customers add column age int; -- expect: rows-before-ddl warning/warning
