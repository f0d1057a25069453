-- dialect: mysql mariadb
-- table: t id int not null, a int, v varchar(50)
-- Ten that have brought production down; each of the sources tells how.
-- migrate:up
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-column-operations
alter table t modify a bigint; -- expect: blocks-table info/warning/danger
-- migrate:down
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-primary-key-operations
alter table t drop primary key; -- expect: blocks-table info/warning/danger
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-foreign-key-operations
alter table t add constraint f foreign key (a) references p (id); -- expect: blocks-table info/warning/danger
-- https://dev.mysql.com/doc/refman/en/alter-table.html#alter-table-character-set
alter table t convert to character set utf8mb4; -- expect: blocks-table info/warning/danger
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-generated-column-operations
alter table t add column g int generated always as (a + 1) stored; -- expect: blocks-table info/warning/danger
-- https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-table-operations
alter table t engine = innodb; -- expect: rebuilds-table info/info/warning, unguarded-alter -/-/info
-- https://dev.mysql.com/doc/refman/en/sql-mode.html#sql-mode-strict
alter table t modify v varchar(10); -- expect: loses-values info/warning/danger, blocks-table info/warning/danger
-- https://dev.mysql.com/doc/refman/en/partitioning-management-range-list.html
alter table t drop partition p0; -- expect: drops-data info/-/danger, unguarded-alter -/-/info
-- https://dev.mysql.com/doc/refman/en/implicit-commit.html
update t set a = 1; -- expect: writes-every-row info/warning/danger
truncate table t; -- expect: drops-data info/-/danger, implicit-commit warning
