-- dialect: postgresql
-- table: t a integer
-- migrate:up
select 1; select 'x

'; drop table a; select 2; -- expect: ban-drop-table danger

-- squawk-ignore-file
/* between
   statements */ alter table t
  alter column a
    type bigint; -- expect: changing-column-type info/warning/danger
