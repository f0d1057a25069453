-- dialect: postgresql
-- table: t id int, n int
-- Outside of a transaction each lock ends with its statement.
-- migrate:up transaction:false
alter table t add constraint positive check (n > 0) not valid;
alter table t validate constraint positive;
update t set n = 2 where id > 5;
