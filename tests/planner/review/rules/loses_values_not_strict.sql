-- dialect: mysql mariadb
-- strict: no
-- table: t id int not null, a bigint, v varchar(50)
-- migrate:up
alter table t modify a int, algorithm=copy; -- expect: loses-values danger/warning/danger, drops-data danger/-/danger, blocks-table info/warning/danger
